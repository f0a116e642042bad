/* tlswhy explain TEXT: what a pasted error can mean, and what to run next. */
#include "cli/cli.h"

/* The words of the command line with blanks between, as a shell user forgets quotes. */
static char *join(const struct cli_common *c, size_t *len)
{
    size_t n = 1;
    for (size_t i = 0; i < c->args_n; i++)
        n += strlen(c->args[i]) + 1;
    char *text = calloc(1, n);
    *len = 0;
    for (size_t i = 0; text != NULL && i < c->args_n; i++)
        *len += (size_t)snprintf(text + *len, n - *len, i > 0 ? " %s" : "%s", c->args[i]);
    return text;
}

static int check_target(struct cli_common *c, const char *target)
{
    char *copy = strdup(target);
    const char *args[2] = {copy, NULL};
    c->args = args;
    c->args_n = 1;
    int rc = copy == NULL ? TW_EXIT_UNKNOWN : cli_check(c);
    free(copy);
    return rc;
}

int cli_explain(struct cli_common *c)
{
    if (c->args_n == 0)
        return cli_error("explain: a text is needed, or - for standard input");
    size_t len;
    bool from_stdin = c->args_n == 1 && strcmp(c->args[0], "-") == 0;
    char *text = from_stdin ? cli_read("-", &len) : join(c, &len);
    if (text == NULL)
        return from_stdin ? TW_EXIT_USAGE : TW_EXIT_UNKNOWN;
    struct tw_result *r;
    int rc = tw_explain_text(c->lib, text, len, &r);
    free(text);
    if (rc != 0) {
        cli_error("out of memory");
        return rc;
    }
    const char *target = tw_result_target(r);
    char command[400];
    snprintf(command, sizeof command, "tlswhy check %s", target == NULL ? "HOST:PORT" : target);
    rc = cli_show(c, r, command);
    if (c->check && target == NULL)
        rc = cli_worse(rc, cli_error("--check: the text names no host"));
    else if (c->check) {
        const char **args = c->args;
        size_t args_n = c->args_n;
        rc = cli_worse(rc, check_target(c, target));
        c->args = args;
        c->args_n = args_n;
    }
    tw_result_free(r);
    return rc;
}
