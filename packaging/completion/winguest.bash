# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for winguest; tests/completion/run holds it to `winguest --help`

# Those that fit what is typed. Their names are data, which compgen -W would expand as a shell does.
_winguest_guests() {
    local name
    while IFS= read -r name; do
        [[ -n $name && $name == "$1"* ]] && printf '%s\n' "$name"
    done < <(virsh -q list --all --name 2>/dev/null)
}

# Bash takes the colons of a URI for words of their own, and what it is given stands behind the last.
_winguest() {
    local current=${COMP_WORDS[COMP_CWORD]} place=$((COMP_CWORD - 1)) before
    while [[ $COMP_WORDBREAKS == *:* && $place -gt 0 &&
        ($current == :* || ${COMP_WORDS[place]} == *:) ]]; do
        current=${COMP_WORDS[place--]}$current
    done
    _winguest_complete "$current" "${COMP_WORDS[place]}" $((place + 1))
    before=${current%"${current##*:}"}
    [[ -z $before || $COMP_WORDBREAKS != *:* ]] || COMPREPLY=("${COMPREPLY[@]#"$before"}")
}

# _winguest_complete WORD PREVIOUS PLACE: into COMPREPLY
_winguest_complete() {
    local current=$1 previous=$2 place=$3
    local command=${COMP_WORDS[1]} words=
    COMPREPLY=()
    if [ "$place" -eq 1 ]; then
        words="apply audit check config diff disable discover enable help probe repair rewrite status version --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    case $previous in
        --config | --cured | --facts | --hosts | --merge | --output | -o | --since)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --root)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        --format | -f)
            mapfile -t COMPREPLY < <(compgen -W "text json prometheus html csv" -- "$current")
            return
            ;;
        --only)
            words="violates waiting compliant unknown-OS skipped exempt not-applicable error wrong-clock"
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
            return
            ;;
        --color)
            mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$current")
            return
            ;;
        --mode)
            mapfile -t COMPREPLY < <(compgen -W "enforce report" -- "$current")
            return
            ;;
        -c | --connect)
            # No file's name, and perhaps not all of it.
            compopt +o filenames -o nospace 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -W "qemu:///system qemu:///session qemu+ssh://" -- "$current")
            return
            ;;
    esac
    case $command in
        apply) words="--connect --all --dry-run --format --yes --offline --undo --config --help" ;;
        audit) words="--ask-guests --connect --hosts --jobs --timeout --format --output --only --details --since --summary --config --help" ;;
        check) words="--config --connect --explain --facts --file --format --guest --sign --help" ;;
        config) words="check show --config --format --help" ;;
        diff | rewrite) words="--config --connect --facts --file --guest --sign --help" ;;
        disable) words="--root --help" ;;
        discover) words="--connect --cured --disks --format --hosts --jobs --merge --prune --timeout --config --help" ;;
        enable) words="--mode --root --help" ;;
        help) words="apply audit check config diff disable discover enable probe repair rewrite status" ;;
        probe) words="--connect --format --hosts --jobs --output --print --timeout --help" ;;
        status) words="--format --help" ;;
        repair) words="--config --definition --id --pending --previous --help" ;;
    esac
    [ "$command" = help ] || words+=" --color --quiet --verbose"
    if [ "$command" = apply ] && [ "${current#-}" = "$current" ]; then
        mapfile -t COMPREPLY < <(_winguest_guests "$current")
        return
    elif [ "$command" = help ]; then
        :
    elif [ "${current#-}" = "$current" ] && [[ $command =~ ^(check|diff|rewrite)$ ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current"; _winguest_guests "$current")
        return
    elif [ "${current#-}" = "$current" ] && [ "$command" != enable ] && [ "$command" != disable ] &&
        [ "$command $place" != "config 2" ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o filenames -F _winguest winguest
