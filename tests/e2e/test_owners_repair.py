#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook alone where the operator has switched the repair on: a call may fail that comes while a
guest is being restarted, and nothing else happens to anybody."""

import case
from owners import BLIP, all_deeds, migrations

CONFIG = "[enforce]\ncold_start = repair\n"


def deeds():
    all_deeds(CONFIG, BLIP, preload=False)


def live_migration():
    migrations(CONFIG, BLIP, preload=False)


if __name__ == "__main__":
    case.run(deeds, live_migration)
