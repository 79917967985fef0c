#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The guardian of a study on one machine. The command line starts it before anything else and holds the other end of
# its standard input; however the command line dies, SIGKILL included, that end closes, and the guardian ends every
# process of the study. It finds them by the mark that each got in its environment (MELISSA_PROCESS=MARK.head.1 …) and
# passed on to its own children, so that a process id that was used again is never mistaken for one of ours, and
# solvers whose pilot is gone are found as well.
#
# usage: guardian.sh MARK GRACE_SECONDS
mark=$1
grace=$2
# A terminal's ^C, a hang-up and a friendly kill are for the command line; the guardian goes when its lifeline does.
trap '' HUP INT TERM
while read -r _; do :; done

marked() {
  for environ in $(grep -lsz -e "^MELISSA_PROCESS=$mark\.$1" /proc/[0-9]*/environ); do
    pid=${environ#/proc/}
    echo "${pid%/environ}"
  done
}

# The head writes a last checkpoint; simulations under way are void, so their pilots and solvers end at once.
for pid in $(marked 'head\.'); do kill -TERM "$pid" 2>/dev/null; done
for pid in $(marked 'pilot-'); do kill -KILL "$pid" 2>/dev/null; done
waits=$((grace * 10))
while [ "$waits" -gt 0 ] && [ -n "$(marked 'head\.')" ]; do
  sleep 0.1
  waits=$((waits - 1))
done
# Several passes: a process may fork while it is looked for.
passes=50
while [ "$passes" -gt 0 ]; do
  pids=$(marked '')
  [ -z "$pids" ] && exit 0
  for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
  sleep 0.1
  passes=$((passes - 1))
done
exit 1
