# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every test written in Python shares: a word for what cannot run, checks that say what they
saw, and the policy as a domain has it."""

import json
import os

MARK = "<winguest:guest xmlns:winguest='urn:libvirt-winguest:domain:1.0' os='%s'/>"
POLICY = """  <features><hyperv><relaxed state='on'/><vapic state='on'/>
    <spinlocks state='on' retries='8191'/></hyperv></features>
  <clock offset='localtime'><timer name='pit' tickpolicy='delay'/>
    <timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/>
    <timer name='hypervclock' present='yes'/></clock>"""


class Skip(Exception):
    """Raised by a test that cannot run here, with the reason."""


def equal(what, has, wanted):
    if has != wanted:
        raise AssertionError(f"{what}: has {has!r:.4000}, wanted {wanted!r:.4000}")


def true(what, condition):
    if not condition:
        raise AssertionError(what)


def within(what, text, *wanted):
    for each in wanted:
        true(f"{what}: {each!r} is not in {text!r}", each in text)


def against_schema(told, verb):
    """The JSON of a verb, against what doc/ promises of it."""
    import jsonschema
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.path.join(top, "doc", f"{verb}.schema.json")
    with open(path, encoding="utf-8") as source:
        schema = json.load(source)
    del schema["$id"]  # older validators would fetch it
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(told)
    try:
        jsonschema.Draft7Validator(schema).validate({**told, "version": 99})
    except jsonschema.ValidationError:
        return
    raise AssertionError("the schema takes anything")
