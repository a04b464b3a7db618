# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for winguest; tests/completion/run holds it to `winguest --help`

# Names of guests are data: fish takes what a function prints as words, and evaluates none of it.
function __winguest_guests
    virsh -q list --all --name 2>/dev/null | string match -v ''
end

# The command that is on the line, if there is one.
function __winguest_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __winguest_needs_command
    test (count (commandline -opc)) -eq 1
end

set -l verbs apply audit check config diff disable discover enable help probe repair rewrite status
set -l verdicts 'violates waiting compliant unknown-OS skipped exempt not-applicable error wrong-clock'

complete -c winguest -f
complete -c winguest -n __winguest_needs_command -a apply -d 'bring the stored definitions of a host in line'
complete -c winguest -n __winguest_needs_command -a audit -d 'tell what the policy says of all guests of hosts'
complete -c winguest -n __winguest_needs_command -a check -d 'tell what the policy says of domains'
complete -c winguest -n __winguest_needs_command -a config -d 'tell whether the configuration is right, or what holds'
complete -c winguest -n __winguest_needs_command -a diff -d 'show what the policy would change'
complete -c winguest -n __winguest_needs_command -a disable -d 'have the daemons load the filter no more'
complete -c winguest -n __winguest_needs_command -a discover -d 'ask running guests through their agents what they are'
complete -c winguest -n __winguest_needs_command -a enable -d 'have the daemons load the filter'
complete -c winguest -n __winguest_needs_command -a help -d 'tell how a command is used'
complete -c winguest -n __winguest_needs_command -a probe -d 'store what the host can give to guests'
complete -c winguest -n __winguest_needs_command -a repair -d 'restart a guest booted against the policy'
complete -c winguest -n __winguest_needs_command -a rewrite -d 'print a domain as the policy wants it'
complete -c winguest -n __winguest_needs_command -a status -d 'tell whether the policy is in force on this host'
complete -c winguest -n __winguest_needs_command -a version -d 'tell the version'
complete -c winguest -n __winguest_needs_command -l version -s V -d 'the version'
complete -c winguest -l help -s h -d help

set -l all (string match -v help -- $verbs)
complete -c winguest -n "__winguest_is $all" -l color -x -a 'auto always never' -d 'in colour'
complete -c winguest -n "__winguest_is $all" -l quiet -s q -d 'nothing but errors'
complete -c winguest -n "__winguest_is $all" -l verbose -s v -d 'what is read and asked'
complete -c winguest -n '__winguest_is apply audit check config diff discover repair rewrite' -l config -rF -d 'use this configuration'
complete -c winguest -n '__winguest_is apply audit check diff discover probe rewrite' -l connect -s c -x -a 'qemu:///system qemu:///session qemu+ssh://' -d 'a host'
complete -c winguest -n '__winguest_is apply check config discover probe status' -l format -s f -x -a 'text json' -d how
complete -c winguest -n '__winguest_is audit' -l format -s f -x -a 'text json prometheus html csv' -d how

complete -c winguest -n '__winguest_is check diff rewrite' -l facts -rF -d 'judge for the host of these facts'
complete -c winguest -n '__winguest_is check diff rewrite' -l sign -x -d 'a sign that the domain does not carry'
complete -c winguest -n '__winguest_is check diff rewrite' -l file -d 'the names are of files'
complete -c winguest -n '__winguest_is check diff rewrite' -l guest -d 'the names are of guests'
complete -c winguest -n '__winguest_is check' -l explain -d 'every sign that was looked for'
complete -c winguest -n '__winguest_is check diff rewrite' -F -a '(__winguest_guests)' -d guest

complete -c winguest -n '__winguest_is apply' -l all -d 'all guests'
complete -c winguest -n '__winguest_is apply' -l dry-run -d 'change nothing'
complete -c winguest -n '__winguest_is apply' -l yes -d 'do not ask'
complete -c winguest -n '__winguest_is apply' -l offline -d 'before the daemon starts'
complete -c winguest -n '__winguest_is apply' -l undo -d 'define again what was replaced'
complete -c winguest -n '__winguest_is apply' -a '(__winguest_guests)' -d guest

complete -c winguest -n '__winguest_is audit' -F
complete -c winguest -n '__winguest_is audit' -l ask-guests -d 'what they are'
complete -c winguest -n '__winguest_is audit' -l details -d 'all that differs'
complete -c winguest -n '__winguest_is audit discover probe' -l hosts -rF -d 'a URI a line'
complete -c winguest -n '__winguest_is audit discover probe' -l jobs -s j -x -d 'hosts at a time'
complete -c winguest -n '__winguest_is audit' -l only -x -a $verdicts -d 'of these alone'
complete -c winguest -n '__winguest_is audit probe' -l output -s o -rF -d 'write it there'
complete -c winguest -n '__winguest_is audit' -l since -rF -d 'what changed'
complete -c winguest -n '__winguest_is audit' -l summary -d 'of no guest'
complete -c winguest -n '__winguest_is audit discover probe' -l timeout -x -d 'to connect, in seconds'

complete -c winguest -n '__winguest_is config' -F -a 'check show'
complete -c winguest -n '__winguest_is discover' -l cured -rF -d 'add to this list'
complete -c winguest -n '__winguest_is discover' -l disks -d 'of those that are shut off'
complete -c winguest -n '__winguest_is discover' -l merge -rF -d 'add to this list'
complete -c winguest -n '__winguest_is discover' -l prune -d 'take out what is gone'
complete -c winguest -n '__winguest_is enable' -l mode -x -a 'enforce report' -d 'set it first'
complete -c winguest -n '__winguest_is enable disable' -l root -x -a '(__fish_complete_directories)' -d 'in another system'
complete -c winguest -n '__winguest_is help' -a "$all"
complete -c winguest -n '__winguest_is probe' -F
complete -c winguest -n '__winguest_is probe' -l print -d 'print, store nothing'
complete -c winguest -n '__winguest_is repair' -l definition -d 'only its definition'
complete -c winguest -n '__winguest_is repair' -l id -x -d 'only that boot'
complete -c winguest -n '__winguest_is repair' -l pending -d 'all that were begun'
complete -c winguest -n '__winguest_is repair' -l previous -d 'its previous definition'
