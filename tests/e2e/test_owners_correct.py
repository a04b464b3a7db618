#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook alone, as it is installed: its owners do with their guests what they like."""

import case
from owners import all_deeds, migrations

CONFIG = "[enforce]\ncold_start = correct\n"


def deeds():
    all_deeds(CONFIG, preload=False)


def live_migration():
    migrations(CONFIG, preload=False)


if __name__ == "__main__":
    case.run(deeds, live_migration)
