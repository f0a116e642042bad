# fish completion for tlswhy. Commands, options, causes and faults are asked of the program.

function __tlswhy_commands
    tlswhy --help 2>/dev/null | string replace -rf '^  \[?([a-z][a-z-]*)\]? .*?  +(.*)$' '$1\t$2'
end

function __tlswhy_command
    set -l words (commandline -opc)
    if set -q words[2]; and contains -- $words[2] (__tlswhy_commands | string replace -r '\t.*' '')
        echo $words[2]
    else
        echo check
    end
end

function __tlswhy_options
    tlswhy (__tlswhy_command) --help 2>/dev/null |
        string replace -rf '^  (?:-., |    )(--[a-z0-9-]+)(?: \S+)? +(.*)$' '$1\t$2'
end

function __tlswhy_is
    test (__tlswhy_command) = $argv[1]
end

complete -c tlswhy -f
complete -c tlswhy -n 'string match -q -- "-*" (commandline -ct)' -a '(__tlswhy_options)'
complete -c tlswhy -n '__fish_is_first_arg' -a '(__tlswhy_commands)'
complete -c tlswhy -n '__tlswhy_is check' -a '(__fish_print_hostnames)'
complete -c tlswhy -n '__tlswhy_is replay' -F
complete -c tlswhy -n '__tlswhy_is causes' -a "(tlswhy causes 2>/dev/null | string replace -rf '^([a-z][a-z0-9-]*) .*' '\$1')"
complete -c tlswhy -n '__tlswhy_is lab' -a "(tlswhy lab --list 2>/dev/null | string replace -rf '^(\S+) .*' '\$1')"
for option in ca cert key save-trace write-ca
    complete -c tlswhy -l $option -rF
end
complete -c tlswhy -l min-version -xa '1.0 1.1 1.2 1.3'
complete -c tlswhy -l max-version -xa '1.0 1.1 1.2 1.3'
complete -c tlswhy -l color -xa 'auto always never'
