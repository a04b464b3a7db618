#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""With the filter in libvirtd, and the hook behind it; and where the hook only reports."""

import case
from owners import all_deeds, migrations


def deeds():
    all_deeds(None)


def live_migration():
    migrations(None)


def deeds_where_it_reports():
    all_deeds("[enforce]\ncold_start = report\n", preload=False)


if __name__ == "__main__":
    case.run(deeds, live_migration, deeds_where_it_reports)
