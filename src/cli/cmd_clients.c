/* tlswhy clients: the real clients that check --as can be. */
#include "cli/cli.h"

int cli_clients(struct cli_common *c)
{
    if (c->args_n > 0)
        return cli_error("clients takes no argument, but got '%.60s'", c->args[0]);
    char *text = tw_clients(c->json);
    if (text == NULL) {
        cli_error("out of memory");
        return TW_EXIT_UNKNOWN;
    }
    fputs(text, stdout);
    free(text);
    return 0;
}
