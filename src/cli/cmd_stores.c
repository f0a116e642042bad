/* tlswhy stores [STORE...]: which trust stores are on this machine. */
#include "cli/cli.h"

int cli_stores(struct cli_common *c)
{
    const char *why;
    char *text = tw_stores(c->lib, c->args, c->json, &why);
    if (text == NULL)
        return cli_error("stores: %s", why);
    fputs(text, stdout);
    free(text);
    return 0;
}
