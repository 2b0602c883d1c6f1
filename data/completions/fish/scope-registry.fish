# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for scope-registry: its options, or a configuration file.

complete -c scope-registry -s h -l help -d 'Show help options'
complete -c scope-registry -l version -d 'Print the version and exit'
complete -c scope-registry -l check -d 'Validate CONFIG, name what is wrong, and exit'
complete -c scope-registry -k -x -a '(__fish_complete_suffix .json)'
