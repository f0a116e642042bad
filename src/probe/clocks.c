/*
 * What this machine and others say about the time: a time server (--online --sntp), the kernel's
 * word on whether its clock is kept in step, and files that were written "later than now". Facts
 * only; rules/clock.c judges.
 */
#include "net/sntp.h"
#include "probe/probe_internal.h"

#include <math.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

enum { SNTP_MS = 2500, FILE_SLACK_S = 120 };

static void note(struct probe *p, const char *field, int64_t num, int64_t ours, const char *text)
{
    probe_fact(p, (struct tw_fact){.kind = TW_FACT_CLOCK, .at = tw_net_now() - p->start,
                                   .from = TW_CLIENT, .msg = TW_NO_MSG, .field = field, .num = num,
                                   .aux = ours, .text = text});
}

/* A clock that was set back, or never set, lies before files written while it was right. */
static void note_newer_file(struct probe *p, int64_t now)
{
    static const char *const paths[] = {
        "/var/lib/systemd/timesync/clock", "/var/log", "/var/log/journal", "/var/lib/dpkg/status",
        "/var/lib/rpm", "/etc", "/etc/passwd", "/etc/ssl/certs", "/usr/bin", "/usr/lib"};
    const char *newest = NULL;
    int64_t when = now + FILE_SLACK_S;
    for (size_t i = 0; i < TW_ARRAY_LEN(paths); i++) {
        struct stat st;
        if (stat(paths[i], &st) == 0 && (int64_t)st.st_mtime > when) {
            when = (int64_t)st.st_mtime;
            newest = paths[i];
        }
    }
    if (newest != NULL)
        note(p, "file_newer", when, now, newest);
}

void clocks_note_local(struct probe *p)
{
    struct timex t = {.modes = 0};
    int64_t now = (int64_t)time(NULL);
    int state = adjtimex(&t);
    if (state >= 0) {
        bool off = state == TIME_ERROR || (t.status & STA_UNSYNC) != 0;
        note(p, off ? "unsynchronised" : "synchronised", 1, now,
             off ? "the kernel's clock is not kept in step by anything"
                 : "the kernel's clock is kept in step");
    }
    note_newer_file(p, now);
}

/* ---- SNTP ------------------------------------------------------------------------------------------- */

static void on_sntp(void *user, const struct tw_sntp_result *r)
{
    struct probe *p = user;
    int64_t now = (int64_t)time(NULL);
    p->sntp_over = true;
    probe_fact(p, (struct tw_fact){.kind = TW_FACT_FETCH, .at = tw_net_now() - p->start,
                                   .from = TW_NETWORK, .msg = TW_NO_MSG, .field = "sntp",
                                   .text = p->o->sntp, .num = (int64_t)r->stratum, .aux = r->end});
    if (r->end == TW_FETCH_OK)
        note(p, "sntp", now + (int64_t)lround(r->offset_s), now, p->o->sntp);
    probe_conn_over(p);
}

void clocks_ask(struct probe *p)
{
    uint64_t left = probe_left_ms(p) / 2;
    p->sntp = tw_sntp_start(p->net, p->o->sntp, left < SNTP_MS ? left : SNTP_MS, on_sntp, p);
    p->active += p->sntp != NULL;
    p->sntp_over = p->sntp == NULL;
}

void clocks_stop(struct probe *p)
{
    if (p->sntp == NULL || p->sntp_over)
        return;
    p->sntp_over = true;
    tw_sntp_stop(p->sntp);
    probe_conn_over(p);
}
