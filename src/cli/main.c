/* Parses the command line and runs a command. Uses nothing of the library but tlswhy.h. */
#include "cli/cli.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- tables -------------------------------------------------------------------------------- */

static const struct cli_option opt_output[] = {
    {"json", 0, NULL, "one JSON object a line instead of text", false},
    {"verbose", 'v', NULL, "also trials, certificates and every negotiated value", false},
    {"quiet", 'q', NULL, "only the verdict line", false},
    {"color", 0, "WHEN", "auto, always or never", false},
    {"help", 'h', NULL, "this help", false},
    {0},
};

static const struct cli_option opt_trace[] = {
    {"save-trace", 0, "FILE", "write all facts as JSON lines, for tlswhy replay", false},
    {0},
};

static const struct cli_option opt_check[] = {
    {"servername", 's', "NAME", "name to send as SNI, and to verify", true},
    {"no-sni", 0, NULL, "send no SNI", true},
    {"verify-name", 0, "NAME", "name the certificate must cover", true},
    {"connect", 0, "ADDR[:PORT]", "connect there, whatever the target's name resolves to", true},
    {"starttls", 0, "PROTOCOL", "upgrade to TLS so (smtp, imap, ldap, postgres ...), or none", true},
    {"proxy", 0, "URL", "go through http://, socks5:// or socks4a://[USER:PASSWORD@]HOST:PORT", true},
    {"ca", 0, "FILE|DIR", "trust these certificates instead of the system's store", true},
    {"cert", 0, "FILE", "client certificate: PEM chain, or PKCS#12", true},
    {"key", 0, "FILE", "its private key, when not in --cert", true},
    {"pass", 0, "TEXT", "password of the key or the PKCS#12 file", true},
    {"alpn", 0, "LIST", "protocols to offer, e.g. h2,http/1.1; empty: no ALPN", true},
    {"min-version", 0, "V", "lowest version to offer: 1.0, 1.1, 1.2, 1.3", true},
    {"max-version", 0, "V", "highest version to offer", true},
    {"ciphers", 0, "LIST", "suites to offer, IANA or OpenSSL names", true},
    {"groups", 0, "LIST", "groups to offer", true},
    {"sigalgs", 0, "LIST", "signature algorithms to offer", true},
    {"at", 0, "TIME", "judge certificates at this time instead of now", true},
    {"4", '4', NULL, "IPv4 only", true},
    {"6", '6', NULL, "IPv6 only", true},
    {"timeout", 0, "SECONDS", "for the whole diagnosis of a target (default 10)", true},
    {"max-connections", 0, "N", "most connections to one target (default 12)", true},
    {0},
};

static const struct cli_option opt_lab[] = {
    {"port", 'p', "PORT", "first port; default: whatever is free", false},
    {"diagnose", 0, NULL, "check each fault and compare with what it must yield", false},
    {"list", 0, NULL, "list the faults and end", false},
    {"write-ca", 0, "FILE", "write the lab's CA there, for --ca", false},
    {0},
};

static const struct cli_option *const groups_check[] = {opt_check, opt_trace, opt_output, NULL};
static const struct cli_option *const groups_plain[] = {opt_output, NULL};
static const struct cli_option *const groups_lab[] = {opt_lab, opt_output, NULL};

static const struct cli_command cmd_check = {
    "check", "[check] TARGET... | -", "why does a handshake with this server fail?", groups_check,
    cli_check};
static const struct cli_command cmd_replay = {
    "replay", "replay FILE", "judge a saved trace again, without network", groups_plain,
    cli_replay};
static const struct cli_command cmd_lab = {
    "lab", "lab [FAULT...]", "start broken servers on loopback, one per fault", groups_lab,
    cli_lab};
static const struct cli_command cmd_causes = {
    "causes", "causes [ID]", "the catalogue: every cause, its evidence, its fix", groups_plain,
    cli_causes};

const struct cli_command *const cli_commands[] = {&cmd_check, &cmd_replay, &cmd_lab, &cmd_causes,
                                                  NULL};

/* ---- helpers ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_sigint(int sig)
{
    (void)sig;
    interrupted = 1;
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

int cli_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("tlswhy: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return TW_EXIT_USAGE;
}

int cli_worse(int a, int b)
{
    return a > b ? a : b;
}

struct tw_text_options cli_text_options(const struct cli_common *c)
{
    struct tw_text_options o = {.verbosity = c->quiet ? -1 : c->verbosity, .width = 100};
    bool tty = isatty(STDOUT_FILENO) == 1;
    const char *no_color = getenv("NO_COLOR");
    o.colour = strcmp(c->color, "always") == 0 ||
               (strcmp(c->color, "auto") == 0 && tty && (no_color == NULL || *no_color == '\0'));
    struct winsize ws;
    if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 60 && ws.ws_col < 100)
        o.width = ws.ws_col;
    return o;
}

char *cli_read(const char *path, size_t *len)
{
    const size_t max = (size_t)256 << 20;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return NULL;
    }
    char *buf = NULL;
    size_t cap = 0, n = 0;
    bool ok = true;
    while (ok && !feof(f)) {
        if (n == cap) {
            cap = cap == 0 ? 65536 : cap * 2;
            char *p = cap <= max ? realloc(buf, cap) : NULL;
            ok = p != NULL;
            buf = p != NULL ? p : buf;
        }
        if (ok)
            n += fread(buf + n, 1, cap - n, f);
        ok = ok && !ferror(f);
    }
    if (f != stdin)
        fclose(f);
    if (!ok) {
        cli_error("%s: cannot be read whole", path);
        free(buf);
        return NULL;
    }
    *len = n;
    return buf;
}

/* ---- help ---------------------------------------------------------------------------------------- */

static void print_options(const struct cli_option *const *groups)
{
    for (; *groups != NULL; groups++) {
        for (const struct cli_option *o = *groups; o->name != NULL; o++) {
            char left[64];
            bool only_letter = o->name[1] == '\0';
            snprintf(left, sizeof left, "%c%c%s%s%s%s%s", o->letter ? '-' : ' ',
                     o->letter ? o->letter : ' ', only_letter ? "" : o->letter ? ", " : "  ",
                     only_letter ? "" : "--", only_letter ? "" : o->name, o->value ? " " : "",
                     o->value ? o->value : "");
            printf("  %-28s %s\n", left, o->help);
        }
    }
}

static void print_help(const struct cli_command *cmd)
{
    if (cmd != NULL) {
        printf("usage: tlswhy %s [options]\n\n%s\n\n", cmd->usage, cmd->summary);
        print_options(cmd->options);
        return;
    }
    printf("usage: tlswhy HOST[:PORT]        why does a TLS handshake with HOST fail?\n"
           "       tlswhy COMMAND [options]\n\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        printf("  %-24s %s\n", cli_commands[i]->usage, cli_commands[i]->summary);
    printf("\ntlswhy COMMAND --help shows the options of a command.\n"
           "Exit status: 0 the handshake works, 1 it fails (the report says why), 2 usage or\n"
           "unreadable input, 3 internal error or not enough evidence, 130 interrupted.\n");
}

/* ---- parsing --------------------------------------------------------------------------------------- */

static const struct cli_option *find_option(const struct cli_command *cmd, const char *name,
                                            size_t len, char letter)
{
    for (size_t g = 0; cmd->options[g] != NULL; g++)
        for (const struct cli_option *o = cmd->options[g]; o->name != NULL; o++)
            if (letter != 0 ? o->letter == letter
                            : strlen(o->name) == len && strncmp(o->name, name, len) == 0)
                return o;
    return NULL;
}

static int take_port(struct cli_common *c, const char *value)
{
    char *end;
    unsigned long v = strtoul(value, &end, 10);
    if (end == value || *end != '\0' || v < 1 || v > 65000)
        return cli_error("--port: '%s' is no port", value);
    c->port = (unsigned)v;
    return 0;
}

static int take_own(struct cli_common *c, const struct cli_option *o, const char *value)
{
    if (strcmp(o->name, "json") == 0)
        c->json = true;
    else if (strcmp(o->name, "verbose") == 0)
        c->verbosity++;
    else if (strcmp(o->name, "quiet") == 0)
        c->quiet = true;
    else if (strcmp(o->name, "help") == 0)
        c->help = true;
    else if (strcmp(o->name, "diagnose") == 0)
        c->diagnose = true;
    else if (strcmp(o->name, "list") == 0)
        c->list = true;
    else if (strcmp(o->name, "save-trace") == 0)
        c->save_trace = value;
    else if (strcmp(o->name, "write-ca") == 0)
        c->write_ca = value;
    else if (strcmp(o->name, "port") == 0)
        return take_port(c, value);
    else if (strcmp(value, "auto") != 0 && strcmp(value, "always") != 0 &&
             strcmp(value, "never") != 0)
        return cli_error("--color: '%s' is none of auto, always, never", value);
    else
        c->color = value;
    return 0;
}

/* Options as given, quoted where a shell needs it, so that the report can say how to check again. */
static void remember(struct cli_common *c, const struct cli_option *o, const char *value)
{
    if (strcmp(o->name, "pass") == 0)
        value = "..."; /* the report may be pasted into a ticket */
    size_t have = c->again == NULL ? 0 : strlen(c->again);
    size_t need = have + strlen(o->name) + (value == NULL ? 0 : strlen(value)) + 16;
    char *p = realloc(c->again, need);
    if (p == NULL)
        return;
    bool quote = value != NULL && (*value == '\0' || strpbrk(value, " \t*?$&;|<>()'\"\\") != NULL);
    snprintf(p + have, need - have, " %s%s%s%s%s%s", o->name[1] == '\0' ? "-" : "--", o->name,
             value == NULL ? "" : " ", quote ? "'" : "", value == NULL ? "" : value,
             quote ? "'" : "");
    c->again = p;
}

static int take_option(struct cli_common *c, const struct cli_option *o, const char *shown,
                       const char *value)
{
    if (!o->check)
        return take_own(c, o, value);
    if (c->lib == NULL)
        c->lib = tw_lib_new();
    if (c->options == NULL)
        c->options = tw_options_new();
    if (c->lib == NULL || c->options == NULL) {
        cli_error("out of memory");
        return TW_EXIT_UNKNOWN;
    }
    const char *why;
    int rc = tw_options_set(c->options, c->lib, o->name, value, &why);
    if (rc != 0)
        return cli_error("%s: %s", shown, why);
    remember(c, o, value);
    return 0;
}

static int parse_args(const struct cli_command *cmd, int argc, char **argv, struct cli_common *c)
{
    bool only_args = false;
    for (int i = 0; i < argc; i++) {
        char *a = argv[i];
        if (only_args || a[0] != '-' || a[1] == '\0') {
            c->args[c->args_n++] = a;
            continue;
        }
        if (strcmp(a, "--") == 0) {
            only_args = true;
            continue;
        }
        bool is_long = a[1] == '-';
        const char *name = is_long ? a + 2 : a + 1;
        const char *eq = is_long ? strchr(name, '=') : NULL;
        size_t len = eq != NULL ? (size_t)(eq - name) : strlen(name);
        const struct cli_option *o = find_option(cmd, name, len, is_long ? 0 : name[0]);
        if (o == NULL || (!is_long && name[1] != '\0' && o->value == NULL))
            return cli_error("%s: no such option (tlswhy %s --help lists them)", a, cmd->name);
        const char *value = eq != NULL ? eq + 1 : !is_long && name[1] != '\0' ? name + 1 : NULL;
        if (o->value == NULL && value != NULL)
            return cli_error("%s takes no value", a);
        if (o->value != NULL && value == NULL) {
            if (i + 1 >= argc)
                return cli_error("%s needs a value: %s", a, o->value);
            value = argv[++i];
        }
        int rc = take_option(c, o, a, value);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- main --------------------------------------------------------------------------------------------- */

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static int run_command(const struct cli_command *cmd, int argc, char **argv)
{
    struct cli_common c = {.color = "auto"};
    c.args = calloc((size_t)argc + 1, sizeof *c.args);
    int rc = c.args == NULL ? TW_EXIT_UNKNOWN : parse_args(cmd, argc, argv, &c);
    if (rc == 0 && c.help) {
        print_help(cmd);
    } else if (rc == 0) {
        if (c.lib == NULL)
            c.lib = tw_lib_new();
        if (c.options == NULL)
            c.options = tw_options_new();
        if (c.lib == NULL || c.options == NULL) {
            cli_error("cryptography cannot be set up");
            rc = TW_EXIT_UNKNOWN;
        } else {
            rc = cmd->run(&c);
        }
    }
    tw_options_free(c.options);
    tw_lib_free(c.lib);
    free(c.again);
    free(c.args);
    if (fflush(stdout) != 0 && rc < TW_EXIT_UNKNOWN) {
        perror("tlswhy: stdout");
        rc = TW_EXIT_UNKNOWN;
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_handler = on_sigint, .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        const struct cli_command *cmd = argc > 2 ? find_command(argv[2]) : NULL;
        if (argc < 2) {
            cli_error("a target is needed: tlswhy HOST[:PORT]  (tlswhy --help tells more)");
            return TW_EXIT_USAGE;
        }
        print_help(cmd);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        struct tw_lib *lib = tw_lib_new();
        printf("tlswhy %s (%s)\n", tw_version_text(),
               lib != NULL ? tw_lib_crypto_version(lib) : "no libcrypto");
        tw_lib_free(lib);
        return 0;
    }
    const struct cli_command *cmd = find_command(argv[1]);
    if (cmd != NULL)
        return run_command(cmd, argc - 2, argv + 2);
    return run_command(&cmd_check, argc - 1, argv + 1);
}
