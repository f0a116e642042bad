/* tlswhy check TARGET...: the live diagnosis. */
#include "cli/cli.h"

#include <errno.h>
#include <unistd.h>

struct progress {
    bool tty;
    unsigned calls;
    const char *target;
};

/* Called ten times a second; on a terminal, what takes longer than a second is told. */
static bool on_progress(void *user, const char *what)
{
    struct progress *p = user;
    if (++p->calls % 10 == 0 && p->tty)
        fprintf(stderr, "\r\033[K%s: %s, %u s", p->target, what, p->calls / 10);
    return !cli_interrupted();
}

static bool write_file(const char *option, const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(text, 1, len, f) == len;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (!ok)
        cli_error("%s: %s: %s", option, path, strerror(errno));
    return ok;
}

bool cli_save_trace(struct cli_common *c, struct tw_result *r)
{
    size_t len;
    char *text = tw_result_trace(r, &len);
    bool ok = text != NULL && write_file("--save-trace", c->save_trace, text, len);
    if (text == NULL)
        cli_error("--save-trace: out of memory");
    free(text);
    return ok;
}

bool cli_write_chain(struct cli_common *c, struct tw_result *r)
{
    char *pem = tw_result_chain(r);
    if (pem == NULL) {
        cli_error("--write-chain: no path leads to a trust anchor, so there is no chain to write");
        return false;
    }
    bool ok = write_file("--write-chain", c->write_chain, pem, strlen(pem));
    free(pem);
    return ok;
}

/* A command without user and password of the URL that it ends with: reports are passed around. */
static const char *without_user(const char *command, char *buf, size_t cap)
{
    const char *start = NULL;
    for (const char *p = command; p != NULL && (p = strstr(p, "://")) != NULL;)
        start = p += 3;
    size_t n = start == NULL ? 0 : strcspn(start, "/?#");
    const char *at = n == 0 ? NULL : memchr(start, '@', n);
    if (at == NULL)
        return command;
    snprintf(buf, cap, "%.*s%s", (int)(start - command), command, at + 1);
    return buf;
}

int cli_show(struct cli_common *c, struct tw_result *r, const char *command)
{
    struct tw_text_options o = cli_text_options(c);
    char shown[1500];
    o.command = without_user(command, shown, sizeof shown);
    char *text = c->json ? tw_result_json(r) : tw_result_text(r, &o);
    if (text == NULL) {
        cli_error("out of memory");
        return TW_EXIT_UNKNOWN;
    }
    fputs(text, stdout);
    fflush(stdout);
    free(text);
    return tw_result_exit(r);
}

static int check_one(struct cli_common *c, const char *target)
{
    struct progress p = {.tty = isatty(STDERR_FILENO) == 1, .target = target};
    struct tw_result *r;
    const char *why;
    int rc = tw_check(c->lib, c->options, target, on_progress, &p, &r, &why);
    if (p.calls >= 10 && p.tty)
        fputs("\r\033[K", stderr);
    if (rc != 0) {
        cli_error("%s: %s", target, why);
        return rc;
    }
    char command[1500];
    snprintf(command, sizeof command, "tlswhy%s %.900s", c->again == NULL ? "" : c->again, target);
    rc = cli_show(c, r, command);
    if (c->save_trace != NULL && !cli_save_trace(c, r))
        rc = cli_worse(rc, TW_EXIT_USAGE);
    if (c->write_chain != NULL && !cli_write_chain(c, r))
        rc = cli_worse(rc, TW_EXIT_USAGE);
    tw_result_free(r);
    return rc;
}

/* One target a line; empty lines and # comments are passed over. */
static int check_list(struct cli_common *c)
{
    char line[2048];
    int worst = 0;
    while (!cli_interrupted() && fgets(line, sizeof line, stdin) != NULL) {
        size_t n = strcspn(line, "\r\n");
        bool whole = line[n] != '\0' || feof(stdin);
        line[n] = '\0';
        while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
            line[--n] = '\0';
        char *s = line + strspn(line, " \t");
        if (!whole) {
            worst = cli_worse(worst, cli_error("standard input: a line is longer than %zu bytes",
                                               sizeof line - 2));
            for (int ch = getc(stdin); ch != EOF && ch != '\n'; ch = getc(stdin))
                continue;
        } else if (*s != '\0' && *s != '#') {
            worst = cli_worse(worst, check_one(c, s));
        }
    }
    return worst;
}

int cli_check(struct cli_common *c)
{
    if (c->args_n == 0)
        return cli_error("a target is needed: tlswhy HOST[:PORT]");
    if (c->save_trace != NULL && (c->args_n > 1 || strcmp(c->args[0], "-") == 0))
        return cli_error("--save-trace: one target at a time");
    int worst = 0;
    for (size_t i = 0; i < c->args_n && !cli_interrupted(); i++)
        worst = cli_worse(worst, strcmp(c->args[i], "-") == 0 ? check_list(c)
                                                              : check_one(c, c->args[i]));
    return worst;
}
