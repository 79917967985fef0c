// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answersBytesMax, answersPerPeerMax, peerMessagesPerSecondMax, peersMax, strangersMax } from '../limits.ts';
import { Peers } from './peers.ts';
import { Rate } from './rate.ts';

test('the last answers are remembered, and no more', () => {
  const peers = new Peers();
  const peer = peers.heard('a', 0)!;
  for (let request = 1; request <= answersPerPeerMax + 5; request++) peers.remember(peer, request, Uint8Array.of(1));
  assert.equal(peer.answers.size, answersPerPeerMax);
  assert.equal(peer.answers.get(5), undefined);
  assert.ok(peer.answers.has(6));
  const large = new Uint8Array(answersBytesMax / 2);
  for (let request = 9001; request < 9010; request++) peers.remember(peer, request, large);
  assert.ok(peer.answers.size <= 3, `${peer.answers.size}`);
});

test('a peer that floods is not listened to until the second is over; others are', () => {
  const peers = new Peers();
  for (let i = 0; i < peerMessagesPerSecondMax; i++) assert.ok(peers.heard('flood', 10));
  assert.equal(peers.heard('flood', 20), null);
  assert.ok(peers.heard('calm', 20));
  assert.ok(peers.heard('flood', 1100));
  assert.equal(peers.refused, 1);
});

test('more peers than the bound are not taken in, and leaving makes room', () => {
  const peers = new Peers();
  for (let i = 0; i < peersMax; i++) peers.name(peers.heard(`peer ${i}`, 0)!, 'client', `${i}`);
  assert.equal(peers.heard('one more', 0), null);
  peers.remove(peers.heard('peer 7', 0)!);
  assert.ok(peers.heard('one more', 0));
});

test('strangers, however many, keep nobody out: the oldest of them is forgotten', () => {
  const peers = new Peers();
  peers.name(peers.heard('pilot', 0)!, 'pilot', 'pilot-0');
  for (let i = 0; i < 2 * strangersMax; i++) assert.ok(peers.heard(`stranger ${i}`, 0));
  assert.equal([...peers].length, strangersMax + 1);
  assert.equal(peers.find('pilot', 'pilot-0')?.id, 'pilot');
});

test('a pilot that comes with a new routing id takes its name with it', () => {
  const peers = new Peers();
  const old = peers.heard('a', 0)!;
  peers.name(old, 'pilot', 'pilot-0');
  const young = peers.heard('b', 0)!;
  peers.name(young, 'pilot', 'pilot-0');
  peers.remove(old);
  assert.equal(peers.find('pilot', 'pilot-0'), young);
});

test('a client is pushed to by its first rank', () => {
  const peers = new Peers();
  const first = peers.heard('a', 0)!;
  peers.name(first, 'client', '77');
  peers.name(peers.heard('b', 0)!, 'client', '77');
  assert.equal(peers.find('client', '77'), first);
});

test('a rate is that of the last half minute, and starts anew when the total falls', () => {
  const rate = new Rate();
  assert.equal(rate.perSecond(), 0);
  for (let second = 0; second <= 60; second++) rate.note(second * 1000, second < 31 ? 0 : (second - 31) * 4);
  assert.ok(Math.abs(rate.perSecond() - 3.87) < 0.1, `${rate.perSecond()}`);
  rate.note(61_000, 5);
  assert.equal(rate.perSecond(), 0);
  rate.note(62_000, 7);
  assert.equal(rate.perSecond(), 2);
});
