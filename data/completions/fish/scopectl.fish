# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for scopectl: verbs, the options that each one's --help lists, networks whose root key is at hand,
# or that are up here, and who is in them. What explains them is in the person's language, as --help is.

# In English, which the headings of tables are looked for in
function __scopectl_local
    LC_ALL=C.UTF-8 scopectl local 2>/dev/null
end

function __scopectl_up
    __scopectl_local | string replace -rf '^([^ ]*): .*' '$1'
end

function __scopectl_peers
    __scopectl_local | sed -n '/^NAME /,/^$/{/^NAME /!s/  .*//p}'
end

function __scopectl_roots
    set -l config $XDG_CONFIG_HOME
    test -n "$config"; or set config ~/.config
    for file in *.root $config/nm-scope/*.root
        basename $file .root
    end
end

function __scopectl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l verb $words[2]
    set -l previous $words[-1]
    if test (count $words) -eq 1
        scopectl --help 2>/dev/null | string replace -rf '^  ([a-z]+)  +(.*)$' '$1\t$2'
        printf '%s\n' --help --version
        return
    end

    set -l help (scopectl $verb --help 2>/dev/null)
    switch $previous
        case --role
            printf '%s\n' edge relay master
            return
        case --pq
            printf '%s\n' required preferred off
            return
        case --output
            if test $verb = network
                __fish_complete_directories $current
            else
                __fish_complete_path $current
            end
            return
        case --root --passphrase-file --ca
            __fish_complete_path $current
            return
        case '--*'
            if string match -qr -- "^  $previous=" $help
                return
            end
    end
    if string match -q -- '-*' $current
        string replace -rf '^  (?:-[a-z], )?(--[a-z-]+)(?:=[^ ]+)?  +(.*)$' '$1\t$2' -- $help
        return
    end
    switch $verb:(count $words)
        case network:2
            echo create
        case ping:2
            __scopectl_peers
        case ping:3 export:3 local:2 netcheck:2 status:2 rotate:2
            __scopectl_up
        case grant:2 invite:2 kill:2 peers:2 revoke:2
            __scopectl_roots
    end
end

complete -c scopectl -f -a '(__scopectl_complete)'
