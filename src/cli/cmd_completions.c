/*
 * tlswhy completions bash|zsh|fish: what a shell needs to complete a command line, printed from the
 * same tables that parse it. The build runs it; the files it makes are installed.
 */
#include "cli/cli.h"

/* What can stand for a value, by its name in the help. */
static const struct { const char *value, *words; } values[] = {
    {"FILE", "files"}, {"FILE|DIR", "files"}, {"WHEN", "auto always never"},
    {"V", "1.0 1.1 1.2 1.3"}, {"ADDR[:PORT]", "hosts"}, {"NAME", "hosts"},
};

static const char *words_of(const struct cli_option *o)
{
    for (size_t i = 0; o->value != NULL && i < sizeof values / sizeof *values; i++)
        if (strcmp(o->value, values[i].value) == 0)
            return values[i].words;
    return NULL;
}

static bool is_letter_only(const struct cli_option *o)
{
    return o->name[1] == '\0';
}

typedef void option_fn(const struct cli_command *cmd, const struct cli_option *o);

static void each_option(const struct cli_command *cmd, option_fn *fn)
{
    for (size_t g = 0; cmd->options[g] != NULL; g++)
        for (const struct cli_option *o = cmd->options[g]; o->name != NULL; o++)
            fn(cmd, o);
}

/* Ids come from the program itself, when they are asked for. */
#define IDS(key) "sed -n 's/^{\"" key "\":\"\\([^\"]*\\)\".*/\\1/p'"
#define CAUSE_IDS "tlswhy causes --json 2>/dev/null | " IDS("id")
#define FAULT_IDS "tlswhy lab --list --json 2>/dev/null | " IDS("name")

/* ---- bash -------------------------------------------------------------------------------------- */

static void bash_word(const struct cli_command *cmd, const struct cli_option *o)
{
    (void)cmd;
    if (is_letter_only(o))
        printf(" -%s", o->name);
    else
        printf(" --%s", o->name);
}

static void bash_value(const struct cli_command *cmd, const struct cli_option *o)
{
    (void)cmd;
    if (o->value == NULL)
        return;
    const char *w = words_of(o);
    printf("        --%s", o->name);
    if (o->letter != 0)
        printf("|-%c", o->letter);
    if (w == NULL)
        printf(") return ;;\n");
    else if (strcmp(w, "files") == 0)
        printf(") compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
    else if (strcmp(w, "hosts") == 0)
        printf(") COMPREPLY=($(compgen -A hostname -- \"$cur\")); return ;;\n");
    else
        printf(") COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", w);
}

static void bash_arguments(const struct cli_command *cmd)
{
    const char *w = cmd->words;
    if (w == NULL)
        printf("        :\n");
    else if (strcmp(w, "files") == 0)
        printf("        compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))\n");
    else if (strcmp(w, "hosts") == 0)
        printf("        COMPREPLY=($(compgen -A hostname -- \"$cur\"))\n");
    else
        printf("        COMPREPLY=($(compgen -W \"$(%s)\" -- \"$cur\"))\n",
               strcmp(w, "causes") == 0 ? CAUSE_IDS : FAULT_IDS);
}

static void bash(void)
{
    printf("# bash completion for tlswhy; printed by: tlswhy completions bash\n"
           "_tlswhy()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=check i\n"
           "    COMPREPLY=()\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n        ");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (!cli_commands[i]->hidden)
            printf("%s%s", i > 0 ? "|" : "", cli_commands[i]->name);
    printf(") cmd=${COMP_WORDS[i]}; break ;;\n        esac\n    done\n    case $cmd in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const struct cli_command *cmd = cli_commands[i];
        if (cmd->hidden)
            continue;
        printf("    %s)\n        case $prev in\n", cmd->name);
        each_option(cmd, bash_value);
        printf("        esac\n        if [[ $cur == -* ]]; then\n"
               "            COMPREPLY=($(compgen -W '");
        each_option(cmd, bash_word);
        printf("' -- \"$cur\"))\n            return\n        fi\n");
        bash_arguments(cmd);
        printf("        ;;\n");
    }
    printf("    esac\n    if ((COMP_CWORD == 1)); then\n        COMPREPLY+=($(compgen -W '");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (!cli_commands[i]->hidden)
            printf("%s ", cli_commands[i]->name);
    printf("help --help --version' -- \"$cur\"))\n    fi\n}\ncomplete -F _tlswhy tlswhy\n");
}

/* ---- zsh ---------------------------------------------------------------------------------------- */

/* Help inside '...[...]': quotes, brackets and colons would end it. */
static void zsh_text(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *s) != NULL)
            printf("\\%c", *s);
        else
            putchar(*s);
    }
}

static const char *zsh_action(const char *words)
{
    return words == NULL ? " " : strcmp(words, "files") == 0 ? "_files"
           : strcmp(words, "hosts") == 0 ? "_hosts"
           : strcmp(words, "causes") == 0 ? "_tlswhy_causes"
           : strcmp(words, "faults") == 0 ? "_tlswhy_faults" : NULL;
}

static void zsh_value(const struct cli_option *o)
{
    const char *words = words_of(o), *action = zsh_action(words);
    printf(":");
    zsh_text(o->value);
    if (action != NULL)
        printf(":%s", action);
    else
        printf(":(%s)", words);
}

static void zsh_option(const struct cli_command *cmd, const struct cli_option *o)
{
    (void)cmd;
    const char *dashes = is_letter_only(o) ? "-" : "--";
    printf("        '*%s%s%s[", dashes, o->name, o->value != NULL ? "=" : "");
    zsh_text(o->help);
    printf("]");
    if (o->value != NULL)
        zsh_value(o);
    printf("' \\\n");
    if (o->letter == 0 || is_letter_only(o))
        return;
    printf("        '*-%c%s[", o->letter, o->value != NULL ? "+" : "");
    zsh_text(o->help);
    printf("]");
    if (o->value != NULL)
        zsh_value(o);
    printf("' \\\n");
}

static void zsh(void)
{
    printf("#compdef tlswhy\n# zsh completion for tlswhy; printed by: tlswhy completions zsh\n"
           "_tlswhy_causes() { compadd -- $(%s) }\n"
           "_tlswhy_faults() { compadd -- $(%s) }\n"
           "_tlswhy_commands() {\n    local -a commands=(\n", CAUSE_IDS, FAULT_IDS);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if (cli_commands[i]->hidden)
            continue;
        printf("        '%s:", cli_commands[i]->name);
        zsh_text(cli_commands[i]->summary);
        printf("'\n");
    }
    printf("    )\n    _describe command commands\n    _hosts\n}\n"
           "_tlswhy() {\n    local cmd=check i\n"
           "    for ((i = 2; i < CURRENT; i++)); do\n        case $words[i] in\n        ");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (!cli_commands[i]->hidden)
            printf("%s%s", i > 0 ? "|" : "", cli_commands[i]->name);
    printf(") cmd=$words[i]; words[i]=(); ((CURRENT--)); break ;;\n        esac\n    done\n"
           "    case $cmd in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const struct cli_command *cmd = cli_commands[i];
        if (cmd->hidden)
            continue;
        printf("    %s)\n        _arguments -s \\\n", cmd->name);
        each_option(cmd, zsh_option);
        if (i == 0)
            printf("        '--version[of tlswhy and of its libcrypto]' \\\n"
                   "        '1: :_tlswhy_commands' '*:target:_hosts'\n        ;;\n");
        else
            printf("        '*: :%s'\n        ;;\n", zsh_action(cmd->words));
    }
    printf("    esac\n}\n_tlswhy \"$@\"\n");
}

/* ---- fish ---------------------------------------------------------------------------------------- */

static void fish_text(const char *s)
{
    putchar('\'');
    for (; *s != '\0'; s++)
        printf(*s == '\'' || *s == '\\' ? "\\%c" : "%c", *s);
    putchar('\'');
}

/* check's options also count when no command was written. */
static void fish_condition(const struct cli_command *cmd)
{
    if (cmd != cli_commands[0]) {
        printf("complete -c tlswhy -n '__fish_seen_subcommand_from %s'", cmd->name);
        return;
    }
    printf("complete -c tlswhy -n 'not __fish_seen_subcommand_from");
    for (size_t i = 1; cli_commands[i] != NULL; i++)
        if (!cli_commands[i]->hidden)
            printf(" %s", cli_commands[i]->name);
    printf("'");
}

static void fish_option(const struct cli_command *cmd, const struct cli_option *o)
{
    fish_condition(cmd);
    if (o->letter != 0)
        printf(" -s %c", o->letter);
    if (!is_letter_only(o))
        printf(" -l %s", o->name);
    const char *w = words_of(o);
    if (o->value != NULL && w != NULL && strcmp(w, "files") == 0)
        printf(" -r -F");
    else if (o->value != NULL && w != NULL && strcmp(w, "hosts") == 0)
        printf(" -x -a '(__fish_print_hostnames)'");
    else if (o->value != NULL && w != NULL)
        printf(" -x -a '%s'", w);
    else if (o->value != NULL)
        printf(" -x");
    printf(" -d ");
    fish_text(o->help);
    printf("\n");
}

static void fish_arguments(const struct cli_command *cmd)
{
    const char *w = cmd->words;
    if (w == NULL)
        return;
    fish_condition(cmd);
    if (strcmp(w, "files") == 0) {
        printf(" -F\n");
        return;
    }
    printf(" -a ");
    char call[200];
    snprintf(call, sizeof call, "(%s)", strcmp(w, "hosts") == 0 ? "__fish_print_hostnames"
                                        : strcmp(w, "causes") == 0 ? CAUSE_IDS : FAULT_IDS);
    fish_text(call);
    printf("\n");
}

static void fish(void)
{
    printf("# fish completion for tlswhy; printed by: tlswhy completions fish\n"
           "complete -c tlswhy -f\n"
           "complete -c tlswhy -n __fish_use_subcommand -l version -d 'of tlswhy and libcrypto'\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if (cli_commands[i]->hidden)
            continue;
        printf("complete -c tlswhy -n __fish_use_subcommand -a %s -d ", cli_commands[i]->name);
        fish_text(cli_commands[i]->summary);
        printf("\n");
        each_option(cli_commands[i], fish_option);
        fish_arguments(cli_commands[i]);
    }
}

int cli_completions(struct cli_common *c)
{
    static const struct { const char *shell; void (*print)(void); } shells[] = {
        {"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; c->args_n == 1 && i < sizeof shells / sizeof *shells; i++)
        if (strcmp(c->args[0], shells[i].shell) == 0) {
            shells[i].print();
            return 0;
        }
    return cli_error("completions: bash, zsh or fish");
}
