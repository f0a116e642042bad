/* tlswhy causes [ID]: the catalogue. */
#include "cli/cli.h"

int cli_causes(struct cli_common *c)
{
    if (c->args_n > 1)
        return cli_error("causes: one id at most");
    struct tw_text_options o = cli_text_options(c);
    char *text = tw_causes(c->args_n == 1 ? c->args[0] : NULL, c->json, &o);
    if (text == NULL)
        return cli_error("there is no cause '%s' (tlswhy causes lists them)",
                         c->args_n == 1 ? c->args[0] : "");
    fputs(text, stdout);
    free(text);
    return 0;
}
