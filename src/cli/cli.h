/* The command line: a table of commands, each with a table of options. One file per command. */
#ifndef TW_CLI_H
#define TW_CLI_H

#include "tlswhy/tlswhy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** One option. Those with check = true are handed to tw_options_set() under their name. */
struct cli_option {
    const char *name;      /* without dashes */
    char letter;           /* 's' for -s; 0 none */
    const char *value;     /* name of the value in help, NULL when it takes none */
    const char *help;      /* one line */
    bool check;
};

/** What every command understands. */
struct cli_common {
    bool json, quiet, help;
    int verbosity;
    const char *color;     /* "auto", "always", "never" */
    const char *save_trace;
    unsigned port;         /* lab */
    bool diagnose, list;
    const char *write_ca, *write_log_list;
    const char *write_chain;
    bool check;            /* explain */
    bool all;              /* pcap */
    unsigned flow;
    const char *cause, *client, *server, *sni, *interface, *filter;
    struct tw_lib *lib;
    struct tw_options *options;  /* check and lab */
    const char **args; size_t args_n;
    size_t shown;          /* reports so far */
    char *again;           /* options as given, for "check again with" */
};

struct cli_command {
    const char *name, *usage, *summary;
    const struct cli_option *const *options; /* NULL-terminated groups of option tables */
    int (*run)(struct cli_common *c);
    const char *words;     /* what an argument may be: "hosts", "files", "causes", "faults"; NULL: none */
    bool hidden;           /* for builds, not for people */
};
extern const struct cli_command *const cli_commands[];  /* NULL-terminated; [0] is the default */

int cli_check(struct cli_common *c);
int cli_inspect(struct cli_common *c);
int cli_replay(struct cli_common *c);
int cli_causes(struct cli_common *c);
int cli_explain(struct cli_common *c);
int cli_lab(struct cli_common *c);
int cli_completions(struct cli_common *c);
int cli_stores(struct cli_common *c);
int cli_clients(struct cli_common *c);
int cli_pcap(struct cli_common *c);

/** "tlswhy: ..." on stderr; returns TW_EXIT_USAGE. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Larger exit status of two, as the contract orders them. */
int cli_worse(int a, int b);
/** Text options for stdout. */
struct tw_text_options cli_text_options(const struct cli_common *c);
/** Prints a result as the options ask and saves its trace. */
int cli_show(struct cli_common *c, struct tw_result *r, const char *command);
/** The file of --save-trace, opened before anything is done, and closed by writing the trace to it;
 *  the repaired chain to the file of --write-chain. NULL / false and a message otherwise. */
FILE *cli_open_trace(struct cli_common *c);
bool cli_save_trace(struct cli_common *c, struct tw_result *r, FILE *f);
bool cli_write_chain(struct cli_common *c, struct tw_result *r);
/** Whole file or "-" for stdin; malloc'ed. NULL and a message on stderr otherwise, also when
 *  SIGINT came first. */
char *cli_read(const char *path, size_t *len);
/** SIGINT was seen. */
bool cli_interrupted(void);

#endif
