"""Mistakes that can be put into the model on purpose: it must find each of them."""

from __future__ import annotations

PLAIN_POP = "plain-pop"
NO_RECONCILE = "no-reconcile"
NO_TOKEN_CHECK = "retry-without-token"
TWO_CALLS = "hdel-and-zadd-in-two-calls"
NO_LEASE_GUARD = "no-lease-guard"
NO_EPOCH = "no-epoch"
RECORD_LAST = "record-removed-last"
RESENT_PUSH = "push-resent"
RESENT_FETCH = "fetch-resent"
STILL_IN_INBOX = "handed-back-from-inbox"
SECOND_THREAD = "reconcile-from-second-thread"
STRUCK_EARLY = "ledger-struck-early"
CLAIM_POPS = "claim-pops"
SAME_NAME = "registered-again-under-same-name"
KEEPER_REGISTERS = "keeper-registers"
SILENT_IS_DEAD = "silent-child-given-back"

#: What each is, for the list that a reader sees.
MISTAKES = {
    PLAIN_POP: "a fetch pops and records nothing in flight",
    NO_RECONCILE: "after an unknown outcome the courier just goes on",
    NO_TOKEN_CHECK: "a retry is written whether or not the job was still in flight",
    TWO_CALLS: "a retry leaves the hash by one call and enters the set by another",
    NO_LEASE_GUARD: "a job starts although its owner's lease may be over",
    NO_EPOCH: "scripts don't look at the epoch: late calls of an old connection count",
    RECORD_LAST: "a reclaim moves the jobs first, and fences their owner at its end",
    RESENT_PUSH: "a push whose reply was lost is sent again, as redis-py does by default",
    RESENT_FETCH: "a fetch whose reply was lost is sent again, and no call number is looked at",
    STILL_IN_INBOX: "a hand-back does not take the job out of the inbox first",
    SECOND_THREAD: "a second thread reconciles while an exchange of the courier is under way",
    STRUCK_EARLY: "the ledger strikes a job when its verdict is sent, not when it is confirmed",
    CLAIM_POPS: "the poller pops a due job and pushes it afterwards",
    KEEPER_REGISTERS: "who beats for a silent child writes its record anew, and not only renews the lease",
    SILENT_IS_DEAD: "a parent gives back what a child holds that is silent, and was not seen to end",
    SAME_NAME: "an owner whose registration has an unknown outcome registers again by that name",
}
