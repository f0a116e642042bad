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

/* Opened before anything is done, so that a path that cannot be written is told at once. */
FILE *cli_open_trace(struct cli_common *c)
{
    FILE *f = fopen(c->save_trace, "wb");
    if (f == NULL)
        cli_error("--save-trace: %s: %s", c->save_trace, strerror(errno));
    return f;
}

/* Closes f. */
bool cli_save_trace(struct cli_common *c, struct tw_result *r, FILE *f)
{
    size_t len = 0;
    char *text = tw_result_trace(r, &len);
    errno = ENOMEM;
    bool ok = text != NULL && fwrite(text, 1, len, f) == len;
    if (fclose(f) != 0)
        ok = false;
    if (!ok)
        cli_error("--save-trace: %s: %s", c->save_trace, strerror(errno));
    free(text);
    return ok;
}

/* Nothing is written when there is no chain to write. */
bool cli_write_chain(struct cli_common *c, struct tw_result *r)
{
    char *pem = tw_result_chain(r);
    if (pem == NULL) {
        cli_error("--write-chain: no path leads to a trust anchor, so there is no chain to write");
        return false;
    }
    FILE *f = fopen(c->write_chain, "wb");
    bool ok = f != NULL && fputs(pem, f) >= 0;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (!ok)
        cli_error("--write-chain: %s: %s", c->write_chain, strerror(errno));
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

/* where: "" or "standard input, line 7: " */
static int check_one(struct cli_common *c, const char *target, const char *where)
{
    struct progress p = {.tty = isatty(STDERR_FILENO) == 1, .target = target};
    struct tw_result *r;
    const char *why;
    int rc = tw_check_target(c->lib, c->options, target, &why);
    FILE *trace = NULL;
    if (rc == 0 && c->save_trace != NULL) {
        trace = cli_open_trace(c);
        if (trace == NULL)
            return TW_EXIT_USAGE;
    }
    if (rc == 0)
        rc = tw_check(c->lib, c->options, target, on_progress, &p, &r, &why);
    if (p.calls >= 10 && p.tty)
        fputs("\r\033[K", stderr);
    if (rc != 0) {
        cli_error("%s%.300s: %s", where, target, why);
        if (trace != NULL)
            fclose(trace);
        return rc;
    }
    if (!c->json && c->shown++ > 0 && !c->quiet)
        putchar('\n');
    char command[1500];
    snprintf(command, sizeof command, "tlswhy%s %.900s", c->again == NULL ? "" : c->again, target);
    rc = cli_show(c, r, command);
    if (trace != NULL && !cli_save_trace(c, r, trace))
        rc = cli_worse(rc, TW_EXIT_USAGE);
    if (c->write_chain != NULL && !cli_write_chain(c, r))
        rc = cli_worse(rc, TW_EXIT_USAGE);
    tw_result_free(r);
    return rc;
}

/* One target a line; empty lines and # comments are passed over. */
static int check_list(struct cli_common *c)
{
    char line[2048], where[64];
    int worst = 0;
    for (size_t number = 1; !cli_interrupted() && fgets(line, sizeof line, stdin) != NULL;
         number++) {
        size_t n = strcspn(line, "\r\n");
        bool whole = line[n] != '\0' || feof(stdin);
        line[n] = '\0';
        while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
            line[--n] = '\0';
        char *s = line + strspn(line, " \t");
        snprintf(where, sizeof where, "standard input, line %zu: ", number);
        if (!whole) {
            worst = cli_worse(worst, cli_error("%slonger than %zu bytes", where, sizeof line - 2));
            for (int ch = getc(stdin); ch != EOF && ch != '\n'; ch = getc(stdin))
                continue;
        } else if (*s != '\0' && *s != '#') {
            worst = cli_worse(worst, check_one(c, s, where));
        }
    }
    if (ferror(stdin) && !cli_interrupted())
        worst = cli_worse(worst, cli_error("standard input: %s", strerror(errno)));
    return worst;
}

/* All of them before the first is checked: a wrong argument leaves stdout empty. */
static int check_arguments(struct cli_common *c)
{
    const char *why;
    if (tw_check_target(c->lib, c->options, NULL, &why) != 0)
        return cli_error("%s", why);
    for (size_t i = 0; i < c->args_n; i++)
        if (strcmp(c->args[i], "-") != 0 &&
            tw_check_target(c->lib, c->options, c->args[i], &why) != 0)
            return cli_error("%.300s: %s", c->args[i], why);
    return 0;
}

int cli_check(struct cli_common *c)
{
    if (c->args_n == 0)
        return cli_error("a target is needed: tlswhy HOST[:PORT]");
    bool single = c->args_n == 1 && strcmp(c->args[0], "-") != 0;
    if (c->save_trace != NULL && !single)
        return cli_error("--save-trace: one target at a time");
    if (c->write_chain != NULL && !single)
        return cli_error("--write-chain: one target at a time");
    int worst = check_arguments(c);
    if (worst != 0)
        return worst;
    for (size_t i = 0; i < c->args_n && !cli_interrupted(); i++)
        worst = cli_worse(worst, strcmp(c->args[i], "-") == 0 ? check_list(c)
                                                              : check_one(c, c->args[i], ""));
    return cli_interrupted() ? TW_EXIT_INTERRUPTED : worst;
}
