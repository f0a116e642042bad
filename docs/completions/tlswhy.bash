# bash completion for tlswhy. Commands, options, causes and faults are asked of the program.

_tlswhy()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local tlswhy=${COMP_WORDS[0]} commands command=check
    commands=$("$tlswhy" --help 2>/dev/null | sed -n 's/^  \[\{0,1\}\([a-z][a-z-]*\)\]\{0,1\} .*/\1/p')
    [ "$COMP_CWORD" -gt 1 ] && case " ${commands//$'\n'/ } " in
        *" ${COMP_WORDS[1]} "*) command=${COMP_WORDS[1]} ;;
    esac
    COMPREPLY=()
    case $prev in
        --ca|--cert|--key|--save-trace|--write-ca)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        --min-version|--max-version)
            mapfile -t COMPREPLY < <(compgen -W "1.0 1.1 1.2 1.3" -- "$cur"); return ;;
        --color)
            mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$cur"); return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$tlswhy" "$command" --help 2>/dev/null |
            sed -n 's/^  \(-., \|    \)\(--[a-z0-9-]*\).*/\2/p')" -- "$cur")
    elif [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -A hostname -- "$cur")
    else
        case $command in
            causes) mapfile -t COMPREPLY < <(compgen -W "$("$tlswhy" causes 2>/dev/null |
                        sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p')" -- "$cur") ;;
            lab) mapfile -t COMPREPLY < <(compgen -W "$("$tlswhy" lab --list 2>/dev/null |
                        sed 's/ .*//')" -- "$cur") ;;
            replay) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
            *) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
        esac
    fi
}
complete -F _tlswhy tlswhy
