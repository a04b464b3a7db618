# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong and cannot be helped: libvirt has no compare and swap, and what an owner does
between our last look and our call is not seen. Name: (the invariants that it breaks, what happens).
I5 for a repair: what doc/enforcing.md says of it."""

REPAIR = {
    "define": (("I1", "I4"),
        "owner edits it, or undefines it and defines it anew, between our last look and our define"),
    "undefine": (("I2", "I4"),
        "owner undefines it while it runs, between our last look and the end of our call"),
    "undefine and start": (("I1", "I4"),
        "one owner undefines it, another starts it, in the moment for which our define has "
        "made it again"),
    "undefine, and daemon restarted": (("I1", "I4"),
        "owner undefines it when it is off, in that moment, and the daemon was restarted: "
        "we do not see that our define has made it again"),
    "undefine, and killed": (("I1", "I4"),
        "the same, and worker or daemon are killed before that is undone"),
    "define before undoing": (("I4",),
        "owner defines it between our looking at what our define made again, and our "
        "undefine"),
    "started before it is kept": (("I6",),
        "owner starts it, or worker or daemon are killed, between our define and the "
        "keeping of what was there before, which needs what libvirt made of our define"),
    "started before it is restored": (("I6",),
        "owner starts it again before --previous has restored what it was"),
    "killed before it is restored": (("I6",),
        "--previous, or the daemon meanwhile, is killed: the next start fails too"),
    "all killed in start": (("I1",),
        "all are killed in their start, then an owner starts it and ends that start: looks as if "
        "ours has failed"),
    "define before reading": (("I1", "I4"),
        "owner defines it between our define and our reading of what libvirt made of that: "
        "his is taken for ours"),
    "shut": (("I1",),
        "guest powers itself off between our last look and our destroy, which wins"),
    "another boot": (("I2",),
        "owner ends and starts it between our last look and our destroy"),
    "start": (("I1", "I3"),
        "owner starts and ends it between our claim and our start, or our look after it"),
    "undefine and define": (("I1",),
        "owner undefines it and defines it anew between our last look and our start"),
    "edited, and daemon restarted": (("I2",),
        "owner has edited it, and the daemon was restarted, before our start: looks as if "
        "defined anew, and is left off"),
    "destroyed in a dead's start": (("I1",),
        "owner destroys it while the start of a worker that died is at work, and libvirt "
        "calls that a failed start (whichever of its threads comes first)"),
    "started by both": (("I2",),
        "owner's own start between our destroy and ours fails: he is told"),
    "DOWN": (("I2",),
        "what it needs was taken away since its boot: nobody could start it"),
    "daemon forgets a stop": (("I1",),
        "daemon is restarted in the moment of an owner's destroy, and knows of no reason "
        "any more"),
    "migrated, and daemon restarted": (("I3",),
        "a whole migration between our last look and our destroy, and then a daemon that "
        "has forgotten it"),
    "killed before destroy": (("I1",),
        "killed between its intent and its destroy, in which moment an owner destroys it: "
        "the guard takes that for ours"),
    "killed in destroy": (("I1", "I2"),
        "whether the dead worker's destroy or an owner's has ended it cannot be known"),
    "all killed, and restored": (("I1",),
        "what it was defined as is forgotten once it is restored: one that its owner has "
        "defined anew since all were killed looks the same"),
    "all killed after destroy": (("I2",),
        "the same, for worker and guard killed before they could write down that it was "
        "ours"),
    "migrate": (("I5",),
        "owner migrates it between our last look and our destroy: that fails"),
    "save": (("I5",),
        "owner saves it between our last look and our destroy: that fails"),
    "suspend": (("I5",),
        "owner suspends it between our last look and our destroy: it runs afterwards"),
    "live": (("I5",),
        "owner changes it between our last look at its live XML and our destroy: that is "
        "lost"),
}

FILTER = {
    "killed before it is kept": (("I5", "I6"),
        "daemon is killed between the define and the keeping of what was there before, "
        "which needs what libvirt made of the define"),
}
