/* Parses the command line and runs a command. Uses nothing of the library but tlswhy.h. */
#include "cli/cli.h"

#include <errno.h>
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
    {0},
};

static const struct cli_option opt_trace[] = {
    {"save-trace", 0, "FILE", "write all facts as JSON lines, for tlswhy replay", false},
    {0},
};

static const struct cli_option opt_chain[] = {
    {"write-chain", 0, "FILE", "write the chain to serve instead, in order, PEM", false},
    {0},
};

static const struct cli_option opt_inspect[] = {
    {"chain", 0, "FILE", "certificates beside the leaf, as a server would send them", true},
    {"ca", 0, "FILE|DIR", "trust these certificates instead of the system's store", true},
    {"crl", 0, "FILE", "revocation lists to judge by", true},
    {"at", 0, "TIME", "judge at this time instead of now", true},
    {"name", 0, "HOST", "name or address the certificate must cover", true},
    {"purpose", 0, "WHAT", "server (default), client or any", true},
    {"policy", 0, "RULES", "rfc5280 (default), strict or webpki", true},
    {"level", 0, "N", "security level 0 to 5 for keys and hashes (default 2)", true},
    {0},
};

static const struct cli_option opt_check[] = {
    {"servername", 's', "NAME", "name to send as SNI, and to verify", true},
    {"no-sni", 0, NULL, "send no SNI", true},
    {"verify-name", 0, "NAME", "name the certificate must cover", true},
    {"connect", 0, "ADDR[:PORT]", "connect there, whatever the target's name resolves to", true},
    {"starttls", 0, "PROTOCOL", "upgrade to TLS so (smtp, imap, ldap, postgres ...), or none", true},
    {"proxy", 0, "URL", "go through http://, socks5:// or socks4a://[USER:PASSWORD@]HOST:PORT", true},
    {"ca", 0, "FILE|DIR", "trust these instead of the system's store; may be repeated", true},
    {"trust", 0, "STORE", "judge by this store: java, certifi, node, all ..., or a path", true},
    {"trust-data", 0, "HEX", "as --trust, with the bytes of the store itself", true},
    {"trust-pass", 0, "TEXT", "password of the --trust and --ca stores that follow", true},
    {"cert", 0, "FILE", "client certificate: PEM chain, or PKCS#12", true},
    {"key", 0, "FILE", "its private key, when not in --cert", true},
    {"pass", 0, "TEXT", "password of the key or the PKCS#12 file", true},
    {"alpn", 0, "LIST", "protocols to offer, e.g. h2,http/1.1; empty: no ALPN", true},
    {"min-version", 0, "V", "lowest version to offer: 1.0, 1.1, 1.2, 1.3", true},
    {"max-version", 0, "V", "highest version to offer", true},
    {"ciphers", 0, "LIST", "suites to offer, IANA or OpenSSL names", true},
    {"groups", 0, "LIST", "groups to offer", true},
    {"sigalgs", 0, "LIST", "signature algorithms to offer", true},
    {"as", 0, "CLIENT", "send the ClientHello of this client; tlswhy clients lists them", true},
    {"hello", 0, "FILE", "send this ClientHello (trace, bytes or hex) and see the answer", true},
    {"clients", 0, NULL, "also try every known client: does it work, and if not, why", true},
    {"at", 0, "TIME", "judge certificates at this time instead of now", true},
    {"4", '4', NULL, "IPv4 only", true},
    {"6", '6', NULL, "IPv6 only", true},
    {"timeout", 0, "SECONDS", "for the whole diagnosis of a target (default 10)", true},
    {"online", 0, NULL, "ask the CA too: OCSP, CRL and issuers over HTTP", true},
    {"sntp", 0, "HOST[:PORT]", "ask this time server too (implies --online)", true},
    {"hard-fail", 0, NULL, "an unknown revocation status is a failure", true},
    {"dane", 0, NULL, "hold the certificate against the name's TLSA records", true},
    {"resolver", 0, "ADDR[:PORT]", "ask this DNS server instead of the system's", true},
    {"ct-log-list", 0, "FILE", "verify CT timestamps with this log_list.json, and demand them", true},
    {"max-connections", 0, "N", "most connections to one target (default 40)", true},
    {0},
};

static const struct cli_option opt_lab[] = {
    {"port", 'p', "PORT", "first port; default: whatever is free", false},
    {"diagnose", 0, NULL, "check each fault and compare with what it must yield", false},
    {"list", 0, NULL, "list the faults and end", false},
    {"write-ca", 0, "FILE", "write the lab's CA there, for --ca", false},
    {"write-log-list", 0, "FILE", "write the lab's CT logs there, for --ct-log-list", false},
    {0},
};

static const struct cli_option opt_pcap[] = {
    {"flow", 0, "N", "show one connection in full; --save-trace is of it", false},
    {"all", 0, NULL, "also connections that are well", false},
    {"cause", 0, "ID", "only connections with this root cause", false},
    {"client", 0, "ADDR[:PORT]", "only this client's", false},
    {"server", 0, "ADDR[:PORT]", "only this server's", false},
    {"sni", 0, "NAME", "only this server name; *.example.com for all below", false},
    {"interface", 'i', "IFACE", "capture there, until Ctrl-C", false},
    {"filter", 'f', "BPF", "only packets that match, as in tcpdump", false},
    {"ca", 0, "FILE|DIR", "judge certificates by these instead of the system's store", true},
    {0},
};

static const struct cli_option opt_help[] = {
    {"help", 'h', NULL, "this help", false},
    {0},
};

static const struct cli_option opt_explain[] = {
    {"check", 0, NULL, "then check the host that the text names", false},
    {0},
};

static const struct cli_option *const groups_none[] = {opt_help, NULL};
static const struct cli_option *const groups_check[] = {opt_check, opt_chain, opt_trace, opt_output,
                                                         opt_help, NULL};
static const struct cli_option *const groups_inspect[] = {opt_inspect, opt_chain, opt_trace,
                                                           opt_output, opt_help, NULL};
static const struct cli_option *const groups_plain[] = {opt_output, opt_help, NULL};
static const struct cli_option *const groups_explain[] = {opt_explain, opt_output, opt_help,
                                                           NULL};
static const struct cli_option *const groups_pcap[] = {opt_pcap, opt_trace, opt_output, opt_help,
                                                        NULL};
static const struct cli_option *const groups_lab[] = {opt_lab, opt_output, opt_help, NULL};

static const struct cli_command cmd_check = {
    "check", "[check] TARGET... | -", "why does a handshake with this server fail?", groups_check,
    cli_check, "hosts", false};
static const struct cli_command cmd_inspect = {
    "inspect", "inspect LEAF...", "will this certificate file do, and if not, why?", groups_inspect,
    cli_inspect, "files", false};

static const struct cli_command cmd_explain = {
    "explain", "explain TEXT... | -", "what can this error message mean?", groups_explain,
    cli_explain, NULL, false};

static const struct cli_command cmd_pcap = {
    "pcap", "pcap FILE... | -i IFACE", "why did the handshakes in this capture fail?", groups_pcap,
    cli_pcap, "files", false};
static const struct cli_command cmd_replay = {
    "replay", "replay FILE | -", "judge a saved trace again, without network", groups_plain,
    cli_replay, "files", false};
static const struct cli_command cmd_lab = {
    "lab", "lab [FAULT...]", "start broken servers on loopback, one per fault", groups_lab,
    cli_lab, "faults", false};
static const struct cli_command cmd_causes = {
    "causes", "causes [ID]", "the catalogue: every cause, its evidence, its fix", groups_plain,
    cli_causes, "causes", false};
static const struct cli_command cmd_completions = {
    "completions", "completions bash | zsh | fish", "completion script of a shell", groups_none,
    cli_completions, NULL, true};

static const struct cli_command cmd_stores = {
    "stores", "stores [STORE...]", "the trust stores of this machine", groups_plain, cli_stores,
    "files", false};

static const struct cli_command cmd_clients = {
    "clients", "clients", "the real clients that check --as can be", groups_plain, cli_clients,
    NULL, false};

const struct cli_command *const cli_commands[] = {
    &cmd_check, &cmd_pcap, &cmd_inspect, &cmd_explain, &cmd_replay, &cmd_lab, &cmd_causes, &cmd_stores,
    &cmd_clients, &cmd_completions, NULL};

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

/* What is quoted may come from a list that somebody else wrote: nothing in it reaches the terminal
 * as a control character. */
int cli_error(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    fprintf(stderr, "tlswhy: %s\n", text);
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
        cli_error("%s: %s", path, strerror(errno));
        return NULL;
    }
    int why = EFBIG;
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
        if (ferror(f)) {
            why = errno;
            ok = false;
        }
    }
    if (f != stdin)
        fclose(f);
    if (!ok) {
        cli_error("%s: %s", path, interrupted ? "interrupted" : strerror(why));
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
        if (cmd == cli_commands[0])
            printf("A TARGET is HOST, HOST:PORT, [V6]:PORT or a URL (https://, imaps://, ...); - reads\n"
                   "targets from standard input, one a line.\n\n");
        print_options(cmd->options);
        return;
    }
    printf("usage: tlswhy HOST[:PORT]        why does a TLS handshake with HOST fail?\n"
           "       tlswhy COMMAND [options]\n\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (!cli_commands[i]->hidden)
            printf("  %-24s %s\n", cli_commands[i]->usage, cli_commands[i]->summary);
    printf("  %-24s %s\n  %-24s %s\n", "--help, help [COMMAND]", "this text, or that of a command",
           "--version", "of tlswhy and of its libcrypto");
    printf("\nOptions of check, which need not be written:\n");
    print_options(cli_commands[0]->options);
    printf("\ntlswhy COMMAND --help shows the options of a command.\n"
           "Exit status: 0 the handshake works, 1 it fails (the report says why), 2 usage or\n"
           "unreadable input, 3 internal error or not enough evidence, 130 interrupted; of several\n"
           "targets the largest.\n\n"
           "  tlswhy example.com\n"
           "  tlswhy --connect 192.0.2.7 --ca company-ca.pem intranet.example:8443\n"
           "  tlswhy --cert me.p12 --pass secret https://api.example/\n"
           "  tlswhy --json - < hosts.txt | jq -r '[.target.input, .causes[0].id] | @tsv'\n");
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

static int take_flow(struct cli_common *c, const char *value)
{
    char *end;
    unsigned long v = strtoul(value, &end, 10);
    if (end == value || *end != '\0' || v < 1 || v > 1000000000)
        return cli_error("--flow: '%s' is no number of a flow", value);
    c->flow = (unsigned)v;
    return 0;
}

/* Options of `pcap` that are text. */
static bool take_text(struct cli_common *c, const char *name, const char *value)
{
    const struct { const char *name, **slot; } texts[] = {
        {"cause", &c->cause}, {"client", &c->client}, {"server", &c->server}, {"sni", &c->sni},
        {"interface", &c->interface}, {"filter", &c->filter},
        {"save-trace", &c->save_trace}, {"write-ca", &c->write_ca},
        {"write-log-list", &c->write_log_list}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i].name, name) == 0) {
            *texts[i].slot = value;
            return true;
        }
    return false;
}

static int take_own(struct cli_common *c, const struct cli_option *o, const char *value)
{
    if (value != NULL && take_text(c, o->name, value))
        return 0;
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
    else if (strcmp(o->name, "check") == 0)
        c->check = true;
    else if (strcmp(o->name, "list") == 0)
        c->list = true;
    else if (strcmp(o->name, "save-trace") == 0)
        c->save_trace = value;
    else if (strcmp(o->name, "write-ca") == 0)
        c->write_ca = value;
    else if (strcmp(o->name, "write-log-list") == 0)
        c->write_log_list = value;
    else if (strcmp(o->name, "write-chain") == 0)
        c->write_chain = value;
    else if (strcmp(o->name, "all") == 0)
        c->all = true;
    else if (strcmp(o->name, "flow") == 0)
        return take_flow(c, value);
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

/* The value of an option is the rest of its argument, or the argument after it. */
static int take_valued(struct cli_common *c, const struct cli_option *o, const char *shown,
                       const char *rest, int argc, char **argv, int *i)
{
    if (rest == NULL && *i + 1 >= argc)
        return cli_error("%s needs a value: %s", shown, o->value);
    return take_option(c, o, shown, rest != NULL ? rest : argv[++*i]);
}

static int parse_long(const struct cli_command *cmd, struct cli_common *c, int argc, char **argv,
                      int *i)
{
    const char *a = argv[*i], *name = a + 2, *eq = strchr(name, '=');
    size_t len = eq != NULL ? (size_t)(eq - name) : strlen(name);
    const struct cli_option *o = find_option(cmd, name, len, 0);
    char shown[64];
    snprintf(shown, sizeof shown, "--%.*s", len < 60 ? (int)len : 60, name);
    if (o == NULL)
        return cli_error("%s: no such option (tlswhy %s --help lists them)", shown, cmd->name);
    if (o->value == NULL)
        return eq != NULL ? cli_error("%s takes no value", shown) : take_option(c, o, shown, NULL);
    return take_valued(c, o, shown, eq != NULL ? eq + 1 : NULL, argc, argv, i);
}

/* -v, -vv, -4v, -s NAME, -sNAME */
static int parse_letters(const struct cli_command *cmd, struct cli_common *c, int argc,
                         char **argv, int *i)
{
    for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
        const struct cli_option *o = find_option(cmd, NULL, 0, *p);
        char shown[3] = {'-', *p, '\0'};
        if (o == NULL)
            return cli_error("%s: no such option (tlswhy %s --help lists them)",
                             p[1] == '\0' && p == argv[*i] + 1 ? shown : argv[*i], cmd->name);
        if (o->value != NULL)
            return take_valued(c, o, shown, p[1] != '\0' ? p + 1 : NULL, argc, argv, i);
        int rc = take_option(c, o, shown, NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* -107 is a code to explain where no option is a digit. */
static bool is_negative(const struct cli_command *cmd, const char *a)
{
    return a[1] >= '0' && a[1] <= '9' && find_option(cmd, NULL, 0, a[1]) == NULL;
}

static int parse_args(const struct cli_command *cmd, int argc, char **argv, struct cli_common *c)
{
    bool only_args = false;
    int rc = 0;
    for (int i = 0; rc == 0 && i < argc; i++) {
        char *a = argv[i];
        if (a[0] == '\0')
            rc = cli_error("an argument is empty");
        else if (only_args || a[0] != '-' || a[1] == '\0' || is_negative(cmd, a))
            c->args[c->args_n++] = a;
        else if (strcmp(a, "--") == 0)
            only_args = true;
        else if (a[1] == '-')
            rc = parse_long(cmd, c, argc, argv, &i);
        else
            rc = parse_letters(cmd, c, argc, argv, &i);
    }
    return rc;
}

/* ---- main --------------------------------------------------------------------------------------------- */

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

/*
 * Options may stand before the command (tlswhy --json lab). The command is the first argument that
 * is no option and no option's value; it is taken out of argv. A host that is called like a
 * command is checked with "check" before it.
 */
static const struct cli_command *take_command(int *argc, char **argv)
{
    for (int i = 0; i < *argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--") == 0)
            break;
        if (a[0] != '-' || a[1] == '\0') {
            const struct cli_command *cmd = find_command(a);
            if (cmd == NULL)
                break;
            for (; i + 1 < *argc; i++)
                argv[i] = argv[i + 1];
            --*argc;
            return cmd;
        }
        const struct cli_option *o = NULL;
        bool is_long = a[1] == '-';
        for (size_t k = 0; o == NULL && cli_commands[k] != NULL; k++)
            o = is_long ? find_option(cli_commands[k], a + 2, strlen(a + 2), 0)
                        : a[2] == '\0' ? find_option(cli_commands[k], NULL, 0, a[1]) : NULL;
        if (o != NULL && o->value != NULL)
            i++; /* its value */
    }
    return cli_commands[0];
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
    bool lost = fflush(stdout) != 0;
    if ((lost || ferror(stdout)) && rc < TW_EXIT_UNKNOWN) {
        cli_error("standard output: %s", lost ? strerror(errno) : "not all could be written");
        rc = TW_EXIT_UNKNOWN;
    }
    return rc;
}

int main(int argc, char **argv)
{
    /* Without SA_RESTART, so that a read from a terminal or a pipe ends too. A second Ctrl-C ends
     * the process at once. */
    struct sigaction sa = {.sa_handler = on_sigint, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2)
        return cli_error("a target is needed: tlswhy HOST[:PORT]  (tlswhy --help tells more)");
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        const struct cli_command *cmd = argc > 2 ? find_command(argv[2]) : NULL;
        if (argc > 2 && cmd == NULL)
            return cli_error("help: there is no command '%s'", argv[2]);
        print_help(cmd);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0 ||
        strcmp(argv[1], "-V") == 0) {
        struct tw_lib *lib = tw_lib_new();
        printf("tlswhy %s (%s)\n", tw_version_text(),
               lib != NULL ? tw_lib_crypto_version(lib) : "no libcrypto");
        tw_lib_free(lib);
        return 0;
    }
    argc--;
    argv++;
    const struct cli_command *cmd = take_command(&argc, argv);
    return run_command(cmd, argc, argv);
}
