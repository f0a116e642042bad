/* tlswhy inspect LEAF...: certificate files explained as check explains a server's. */
#include "cli/cli.h"

static int inspect_one(struct cli_common *c, const char *file)
{
    struct tw_result *r;
    const char *why;
    FILE *trace = c->save_trace == NULL ? NULL : cli_open_trace(c);
    if (c->save_trace != NULL && trace == NULL)
        return TW_EXIT_USAGE;
    int rc = tw_inspect(c->lib, c->options, file, &r, &why);
    if (rc != 0) {
        cli_error("%.300s: %s", file, why);
        if (trace != NULL)
            fclose(trace);
        return rc;
    }
    if (!c->json && c->shown++ > 0 && !c->quiet)
        putchar('\n');
    char command[1500];
    snprintf(command, sizeof command, "tlswhy inspect%s %.900s", c->again == NULL ? "" : c->again,
             file);
    rc = cli_show(c, r, command);
    if (trace != NULL && !cli_save_trace(c, r, trace))
        rc = cli_worse(rc, TW_EXIT_USAGE);
    if (c->write_chain != NULL && !cli_write_chain(c, r))
        rc = cli_worse(rc, TW_EXIT_USAGE);
    tw_result_free(r);
    return rc;
}

int cli_inspect(struct cli_common *c)
{
    int worst = 0;
    if (c->args_n == 0)
        return cli_error("inspect: a certificate file is needed");
    if (c->args_n > 1 && (c->save_trace != NULL || c->write_chain != NULL))
        return cli_error("--save-trace and --write-chain: one file at a time");
    for (size_t i = 0; i < c->args_n && !cli_interrupted(); i++)
        worst = cli_worse(worst, inspect_one(c, c->args[i]));
    return worst;
}
