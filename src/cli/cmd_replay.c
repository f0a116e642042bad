/* tlswhy replay FILE: the same judgement from a saved trace. */
#include "cli/cli.h"

int cli_replay(struct cli_common *c)
{
    if (c->args_n != 1)
        return cli_error("replay: one trace file is needed");
    size_t len, line;
    char *text = cli_read(c->args[0], &len);
    if (text == NULL)
        return cli_interrupted() ? TW_EXIT_INTERRUPTED : TW_EXIT_USAGE;
    struct tw_result *r;
    const char *why;
    int rc = tw_replay(c->lib, text, len, &r, &line, &why);
    free(text);
    if (rc == TW_EXIT_USAGE)
        return cli_error("%s, line %zu: %s", c->args[0], line, why);
    if (rc != 0) {
        cli_error("%s: %s", c->args[0], why);
        return rc;
    }
    rc = cli_show(c, r, NULL);
    tw_result_free(r);
    return rc;
}
