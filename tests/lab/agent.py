#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret agent without a head, which does what GNOME Shell does, and answers what it is told to.

    agent.py AUTH-DIALOG ANSWERS.json [--deaf]     (on a host of the lab: host.popen)

It registers with NetworkManager, takes hints, and lets the auth dialog in external-UI mode say what is known and what is to be
asked; the answers come from a file, {"private-key": "…"}, read anew each time. It says each request and answer on its output,
but for secrets. A deaf one takes no hints, so NetworkManager lets no service ask anything.
"""

import json
import subprocess
import sys

from gi.repository import Gio, GLib

NM = "org.freedesktop.NetworkManager"
INTERFACE = f"{NM}.SecretAgent"
ALLOW_INTERACTION, REQUEST_NEW = 1, 2
VPN_HINTS = 1
XML = f"""<node><interface name='{INTERFACE}'>
<method name='GetSecrets'><arg type='a{{sa{{sv}}}}'/><arg type='o'/><arg type='s'/><arg type='as'/><arg type='u'/>
  <arg type='a{{sa{{sv}}}}' direction='out'/></method>
<method name='CancelGetSecrets'><arg type='o'/><arg type='s'/></method>
<method name='SaveSecrets'><arg type='a{{sa{{sv}}}}'/><arg type='o'/></method>
<method name='DeleteSecrets'><arg type='a{{sa{{sv}}}}'/><arg type='o'/></method>
</interface></node>"""


def say(*words: object) -> None:
    print(*words, flush=True)


def items(kind: str, values: dict[str, str]) -> str:
    return "".join(f"{kind}_KEY={key}\n{kind}_VAL={value}\n\n" for key, value in values.items())


def dialog(program: str, connection: dict, hints: list[str], flags: int) -> GLib.KeyFile:
    """What the auth dialog says, asked as GNOME Shell asks it."""
    vpn = connection["vpn"]
    argv = [program, "-u", connection["connection"]["uuid"], "-n", connection["connection"]["id"],
            "-s", vpn["service-type"], "--external-ui-mode"]  # fmt: skip
    argv += ["-i"] * bool(flags & ALLOW_INTERACTION) + ["-r"] * bool(flags & REQUEST_NEW)
    argv += [word for hint in hints for word in ("-t", hint)]
    feed = items("DATA", vpn.get("data", {})) + items("SECRET", vpn.get("secrets", {})) + "DONE\n\n"
    text = subprocess.run(argv, input=feed, stdout=subprocess.PIPE, text=True, check=True).stdout
    file = GLib.KeyFile()
    file.load_from_data(text, len(text.encode()), GLib.KeyFileFlags.NONE)
    return file


def main() -> None:
    program, answers, *deaf = sys.argv[1:]
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)

    def get_secrets(parameters: GLib.Variant) -> GLib.Variant:
        connection, _, setting, hints, flags = parameters.unpack()
        file = dialog(program, connection, hints, flags)
        known, asked = {}, []
        with open(answers) as stream:
            told = json.load(stream)
        for name in file.get_groups()[0][1:]:
            if not file.get_boolean(name, "ShouldAsk"):
                known[name] = file.get_string(name, "Value")
            else:
                asked.append(name)
                # A list is answered one after the other.
                value = told.get(name, "")
                known[name] = value if isinstance(value, str) else value.pop(0) if value else ""
        with open(answers, "w") as stream:
            json.dump(told, stream)
        say("request", f"flags={flags}", f"asked={','.join(asked)}", json.dumps(file.get_string("VPN Plugin UI", "Description")))
        known = {name: value for name, value in known.items() if value}
        return GLib.Variant("(a{sa{sv}})", ({setting: {"secrets": GLib.Variant("a{ss}", known)}} if known else {},))

    def on_call(connection, sender, path, interface, method, parameters, invocation) -> None:
        if method != "GetSecrets":
            invocation.return_value(None)
            return
        result = get_secrets(parameters)
        if result.get_child_value(0).n_children():
            invocation.return_value(result)
        else:
            invocation.return_dbus_error(f"{INTERFACE}.NoSecrets", "nothing was told to be answered")

    bus.register_object("/org/freedesktop/NetworkManager/SecretAgent", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], on_call)
    bus.call_sync(NM, "/org/freedesktop/NetworkManager/AgentManager", f"{NM}.AgentManager", "RegisterWithCapabilities",
                  GLib.Variant("(su)", ("scope.test.agent", 0 if deaf else VPN_HINTS)), None, Gio.DBusCallFlags.NONE, -1)  # fmt: skip
    say("registered")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
