# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# What the examples star, mesh and relays have in common. They run where the root key shall be, office.root is
# written to the working directory, and give the other machines orders by ssh as root. With ON=PROGRAM in the
# environment "PROGRAM HOST COMMAND..." does that instead. All machines have NetworkManager-scope.
set -eu
unset CDPATH
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

# on HOST COMMAND...: run it there.
on ()
{
    if [ -n "${ON:-}" ]; then
        "$ON" "$@"
    else
        local host=$1
        shift
        # shellcheck disable=SC2029
        ssh "root@$host" "$(printf '%q ' "$@")"
    fi
}

# put HOST MODE FILE <CONTENT
put ()
{
    # shellcheck disable=SC2016
    on "$1" sh -c 'mkdir -p "${2%/*}" && umask 077 && cat >"$2" && chmod "$1" "$2"' sh "$2" "$3"
}

# owner VERB...: what needs the root key. It asks for its passphrase, unless PASSPHRASE_FILE has it.
owner ()
{
    scopectl "$@" ${PASSPHRASE_FILE:+--passphrase-file "$PASSPHRASE_FILE"}
}

# network HOST URL: the root key, here, and there a registry that lets in whom the root key invites.
# HOST's firewall lets in TCP 8080 and UDP 3478 (STUN). To have https, scope-registry.json(5): tlsCertificate.
network ()
{
    owner network create office --registry "$2" --prefix 10.77.0.0/24 --prefix fd77::/64
    put "$1" 600 /etc/scope/office.network <office.network
    put "$1" 644 /etc/scope/registry.json <"$examples/network.json"
    put "$1" 644 /etc/systemd/system/scope-registry.service.d/office.conf <<END
[Service]
LoadCredential=office.network:/etc/scope/office.network
END
    on "$1" systemctl daemon-reload
    on "$1" systemctl enable --now scope-registry
}

# member HOST [SETTING=VALUE...]: an edge, by invite; settings as in nm-settings-scope(5).
member ()
{
    local host=$1 setting
    shift
    owner invite office --name "$host" --output "$host.scope" >/dev/null
    put "$host" 600 /run/office.scope <"$host.scope"
    rm "$host.scope"
    on "$host" nmcli connection import type scope file /run/office.scope
    on "$host" rm /run/office.scope
    for setting; do
        on "$host" nmcli connection modify office +vpn.data "$setting"
    done
    on "$host" nmcli connection up office
}
