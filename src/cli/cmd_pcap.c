/* tlswhy pcap FILE... | -i IFACE: why did the handshakes in a capture fail? */
#include "cli/cli.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

struct progress {
    FILE *trace;
    bool tty, shown, trace_failed;
    time_t started;
};

static void put(void *user, const char *text, size_t len)
{
    struct progress *p = user;
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
    fwrite(text, 1, len, stdout);
}

static void put_trace(void *user, const char *text, size_t len)
{
    struct progress *p = user;
    if (fwrite(text, 1, len, p->trace) != len)
        p->trace_failed = true;
}

static bool progress(void *user, const char *what)
{
    struct progress *p = user;
    if (cli_interrupted())
        return false;
    if (!p->tty || time(NULL) - p->started < 1)
        return true;
    fprintf(stderr, "\r\033[K%s", what);
    p->shown = true;
    return true;
}

int cli_pcap(struct cli_common *c)
{
    if (c->args_n == 0 && c->interface == NULL)
        return cli_error("pcap: a capture file is needed, or -i IFACE");
    if (c->args_n > 0 && c->interface != NULL)
        return cli_error("pcap: files or -i IFACE, not both");
    if (c->save_trace != NULL && c->flow == 0)
        return cli_error("pcap: --save-trace needs --flow N");
    struct progress p = {.tty = isatty(STDERR_FILENO) == 1, .started = time(NULL)};
    struct tw_pcap_config cfg = {.json = c->json,
                                 .all = c->all,
                                 .flow = c->flow,
                                 .cause = c->cause,
                                 .client = c->client,
                                 .server = c->server,
                                 .sni = c->sni,
                                 .interface = c->interface,
                                 .filter = c->filter,
                                 .text = cli_text_options(c),
                                 .out = put,
                                 .progress = progress,
                                 .user = &p};
    if (c->save_trace != NULL) {
        p.trace = fopen(c->save_trace, "wb");
        if (p.trace == NULL)
            return cli_error("--save-trace: %s: %s", c->save_trace, strerror(errno));
        cfg.trace = put_trace;
    }
    char keep[TW_PCAP_WHY];
    const char *why;
    int rc = tw_pcap(c->lib, c->options, c->args, c->args_n, &cfg, keep, &why);
    if (p.shown)
        fputs("\r\033[K", stderr);
    fflush(stdout);
    if (p.trace != NULL && (fclose(p.trace) != 0 || p.trace_failed))
        rc = cli_worse(rc, cli_error("--save-trace: %s cannot be written", c->save_trace));
    if (why != NULL)
        cli_error("%s", why);
    else if (rc == TW_EXIT_USAGE || (rc == TW_EXIT_UNKNOWN && c->json && c->verbosity > 0))
        cli_error("pcap: cannot go on");
    return rc;
}
