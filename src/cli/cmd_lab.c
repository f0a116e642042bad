/*
 * tlswhy lab: broken servers on loopback, and with --diagnose what check says of each of them next
 * to what it must say.
 */
#include "cli/cli.h"

#include <time.h>
#include <unistd.h>

/* The value LAB stands for the lab's own CT log list, whose keys are made at start. */
static bool set_fault_options(struct tw_options *o, struct tw_lib *lib, const struct tw_lab *lab,
                              const char *list)
{
    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, " ");
        char item[300];
        if (n >= sizeof item)
            return false;
        memcpy(item, list, n);
        item[n] = '\0';
        list += n + (list[n] == ' ');
        char *eq = strchr(item, '=');
        if (eq != NULL)
            *eq = '\0';
        const char *why, *value = eq == NULL ? NULL : eq + 1;
        if (value != NULL && strcmp(value, "LAB") == 0)
            value = tw_lab_log_list(lab);
        if (tw_options_set(o, lib, item, value, &why) != 0) {
            cli_error("lab: %s: %s", item, why);
            return false;
        }
    }
    return true;
}

static bool keep_going(void *user, const char *what)
{
    (void)user, (void)what;
    return !cli_interrupted();
}

struct row {
    const char *want, *got;
    bool right;
    unsigned connections, rounds;
    double ms;
    struct tw_result *result;
};

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static bool diagnose_one(struct cli_common *c, const struct tw_lab *lab,
                         const struct tw_lab_fault *f, struct row *row)
{
    struct tw_options *o = tw_options_new();
    const char *why = "out of memory";
    char target[300];
    snprintf(target, sizeof target, "%s:%u", f->host, f->port);
    bool ok = o != NULL && tw_options_set(o, c->lib, "ca-pem", tw_lab_ca(lab), &why) == 0 &&
              set_fault_options(o, c->lib, lab, f->options);
    double start = now_ms();
    ok = ok && tw_check(c->lib, o, target, keep_going, NULL, &row->result, &why) == 0;
    if (!ok) {
        cli_error("lab: %s: %s", f->name, why);
    } else {
        row->ms = now_ms() - start;
        row->want = f->expect == NULL ? "no cause" : f->expect;
        row->got = tw_result_cause(row->result);
        if (f->warning && row->got == NULL && tw_result_exit(row->result) == 0 &&
            tw_result_warns(row->result, f->expect))
            row->got = f->expect;
        row->right = row->got == NULL ? f->expect == NULL && tw_result_exit(row->result) == 0
                                      : f->expect != NULL && strcmp(row->got, f->expect) == 0;
        row->connections = tw_result_connections(row->result);
        row->rounds = tw_result_rounds(row->result);
        row->got = row->got != NULL ? row->got
                   : tw_result_exit(row->result) == 0 ? "no cause" : "not enough evidence";
    }
    tw_options_free(o);
    return ok;
}

static int diagnose(struct cli_common *c, const struct tw_lab *lab)
{
    size_t right = 0, all = 0;
    struct tw_text_options text = cli_text_options(c);
    text.verbosity = c->verbosity;
    if (!c->json)
        printf("     %-32s %-28s %5s %6s %8s\n", "fault", "diagnosis", "conns", "rounds", "ms");
    for (const struct tw_lab_fault *f; !cli_interrupted() && (f = tw_lab_at(lab, all)) != NULL;
         all++) {
        struct row row = {0};
        if (!diagnose_one(c, lab, f, &row))
            continue;
        right += row.right;
        char *more = c->json ? tw_result_json(row.result)
                     : c->verbosity > 0 ? tw_result_text(row.result, &text) : NULL;
        if (!c->json)
            printf("%-4s %-32s %-28s %5u %6u %8.1f\n", row.right ? "ok" : "DIFF", f->name, row.got,
                   row.connections, row.rounds, row.ms);
        if (!c->json && !row.right)
            printf("     %-32s %s was expected\n", "", row.want);
        if (more != NULL)
            fputs(more, stdout);
        fflush(stdout);
        free(more);
        tw_result_free(row.result);
    }
    if (!c->json)
        printf("\n%zu of %zu faults diagnosed as expected\n", right, all);
    return cli_interrupted() ? TW_EXIT_INTERRUPTED : right == all ? 0 : TW_EXIT_FAIL;
}

static int write_text(const char *option, const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    bool ok = f != NULL && fputs(text, f) >= 0;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    return ok ? 0 : cli_error("%s: %s cannot be written", option, path);
}

static void list_servers(const struct cli_common *c, const struct tw_lab *lab, bool ports)
{
    const struct tw_lab_fault *f;
    for (size_t i = 0; (f = tw_lab_at(lab, i)) != NULL; i++) {
        if (c->json)
            printf("{\"name\":\"%s\",\"expect\":%s%s%s,\"warning\":%s,\"options\":\"%s\","
                   "\"host\":\"%s\",\"port\":%u}\n", f->name,
                   f->expect ? "\"" : "", f->expect ? f->expect : "null", f->expect ? "\"" : "",
                   f->warning ? "true" : "false", f->options ? f->options : "", f->host, ports ? f->port : 0);
        else if (ports)
            printf("%s:%-6u %-32s %s\n", f->host, f->port, f->name, f->title);
        else
            printf("%-32s %s\n", f->name, f->title);
    }
    fflush(stdout);
}

int cli_lab(struct cli_common *c)
{
    struct tw_lab *lab;
    const char *why;
    for (size_t i = 0; i < c->args_n; i++)
        if (!tw_lab_knows(c->args[i]))
            return cli_error("lab: '%.60s' is no fault of the lab (lab --list shows them)",
                             c->args[i]);
    int rc = tw_lab_start(c->lib, c->args_n > 0 ? c->args : NULL, c->port, &lab, &why);
    if (rc != 0)
        return cli_error("lab: %s", why);
    if (c->write_ca != NULL)
        rc = write_text("--write-ca", c->write_ca, tw_lab_ca(lab));
    if (rc == 0 && c->write_log_list != NULL)
        rc = write_text("--write-log-list", c->write_log_list, tw_lab_log_list(lab));
    if (rc == 0 && c->diagnose) {
        rc = diagnose(c, lab);
    } else if (rc == 0) {
        list_servers(c, lab, !c->list);
        if (!c->list && !c->json)
            printf("\nThe servers run until Ctrl-C. In another terminal:\n"
                   "  tlswhy --ca %s HOST:PORT\n",
                   c->write_ca != NULL ? c->write_ca : "CA.pem   (lab --write-ca CA.pem makes it)");
        fflush(stdout);
        while (!c->list && !cli_interrupted())
            usleep(100000);
    }
    tw_lab_stop(lab);
    return rc;
}
