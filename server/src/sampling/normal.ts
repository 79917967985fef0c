// SPDX-License-Identifier: Apache-2.0
/**
 * The normal distribution: its probability by W. J. Cody's rational approximations (1969,
 * doi:10.1090/S0025-5718-1969-0247736-4), its quantile by M. J. Wichura's algorithm AS 241 (1988, doi:10.2307/2347330).
 * Both keep their relative accuracy of about 1e-15 far out in the lower tail, which truncated normals need.
 */

/** Value at `x` of the polynomial with the coefficient of the highest power first. */
function polynomial(x: number, coefficients: readonly number[]): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}

const CENTRE_TOP = [
  0.065682337918207449113, 2.2352520354606839287, 161.02823106855587881, 1067.6894854603709582, 18154.981253343561249,
];
const CENTRE_BOTTOM = [1, 47.20258190468824187, 976.09855173777669322, 10260.932208618978205, 45507.789335026729956];
const MIDDLE_TOP = [
  1.0765576773720192317e-8, 0.39894151208813466764, 8.8831497943883759412, 93.506656132177855979, 597.27027639480026226,
  2494.5375852903726711, 6848.1904505362823326, 11602.651437647350124, 9842.7148383839780218,
];
const MIDDLE_BOTTOM = [
  1, 22.266688044328115691, 235.38790178262499861, 1519.377599407554805, 6485.558298266760755, 18615.571640885098091,
  34900.952721145977266, 38912.003286093271411, 19685.429676859990727,
];
const TAIL_TOP = [
  0.02307344176494017303, 0.21589853405795699, 0.1274011611602473639, 0.022235277870649807, 0.001421619193227893466,
  2.9112874951168792e-5,
];
const TAIL_BOTTOM = [
  1, 1.28426009614491121, 0.468238212480865118, 0.0659881378689285515, 0.00378239633202758244, 7.29751555083966205e-5,
];

const CENTRE_LIMIT = 0.67448975;
const MIDDLE_LIMIT = Math.sqrt(32);
const ONE_OVER_ROOT_TWO_PI = 0.39894228040143267794;

/** Probability that a standard normal lies below `x`; relative accuracy kept down to the smallest doubles. */
export function normalCdf(x: number): number {
  const y = Math.abs(x);
  if (y <= CENTRE_LIMIT) return 0.5 + (x * polynomial(x * x, CENTRE_TOP)) / polynomial(x * x, CENTRE_BOTTOM);
  const tail = upperTail(y);
  return x > 0 ? 1 - tail : tail;
}

function upperTail(y: number): number {
  // exp(−y²/2) is split, so that the rounding of y² does not grow with y.
  const coarse = Math.trunc(y * 16) / 16;
  const density = Math.exp(-0.5 * coarse * coarse) * Math.exp(-0.5 * (y - coarse) * (y + coarse));
  if (y <= MIDDLE_LIMIT) return (density * polynomial(y, MIDDLE_TOP)) / polynomial(y, MIDDLE_BOTTOM);
  const z = 1 / (y * y);
  const correction = (z * polynomial(z, TAIL_TOP)) / polynomial(z, TAIL_BOTTOM);
  return (density * (ONE_OVER_ROOT_TWO_PI - correction)) / y;
}

const A = [
  2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
  1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
];
const B = [
  5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
  687.1870074920579083, 42.313330701600911252, 1,
];
const C = [
  7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
  3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
];
const D = [
  1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
  0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1,
];
const E = [
  2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
  0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
];
const F = [
  2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
  0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1,
];

/** The value below which a standard normal lies with probability `p`, 0 < p < 1. */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(r, A)) / polynomial(r, B);
  }
  const tail = q < 0 ? p : 1 - p;
  const r = Math.sqrt(-Math.log(tail));
  const value = r <= 5 ? polynomial(r - 1.6, C) / polynomial(r - 1.6, D) : polynomial(r - 5, E) / polynomial(r - 5, F);
  return q < 0 ? -value : value;
}
