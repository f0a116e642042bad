/*
 * Causes about clocks. A date in a certificate is only as wrong as the clock it is compared with:
 * here our clock is held against the server's (Date header; the time that old versions put into
 * ServerHello), against a time server's, and against what the machine itself knows.
 */
#include "rules/rules_internal.h"

#include "x509/x509.h"

/* Seconds: five minutes apart is no skew worth a word; a minute's slack for clocks read apart. */
enum { CLOSE = 300, SLACK = 60, DAY = 86400 };

/* ---- what the clocks say ---------------------------------------------------------------------------- */

/* gmt_unix_time (RFC 5246 7.4.1.2) of a ServerHello of TLS 1.2 or older; 0 none. */
static int64_t hello_time(const struct tw_case *c, const struct tw_conn_view *v)
{
    struct tw_server_hello m = {0};
    if (v->server_hello == NULL || v->version == 0 || v->version > TW_TLS12)
        return 0;
    struct tw_reader r = tw_rd_of(v->server_hello->data);
    if (!tw_server_hello_decode(&r, &m) || m.random.len < 4)
        return 0;
    struct tw_reader t = tw_rd_of(m.random);
    return (int64_t)tw_rd_uint(&t, 4, "gmt_unix_time");
}

/* Our clock at a moment of the trace. */
static int64_t ours_at(const struct tw_case *c, uint64_t at)
{
    return c->wall_time + (int64_t)(at / 1000000000u);
}

/*
 * Most stacks fill those four bytes with random ones today. They count when they are within a day
 * of our clock (one in 25,000 random values is), or when two hellos go with the same clock.
 */
static bool hello_clock(const struct tw_case *c, int64_t *diff, const struct tw_fact **fact)
{
    int64_t first = 0;
    bool have = false;
    for (size_t i = 0; i < c->conns_n; i++) {
        int64_t t = hello_time(c, &c->conns[i]);
        if (t == 0)
            continue;
        int64_t d = t - ours_at(c, c->conns[i].server_hello->at);
        bool same = have && d - first <= 2 && first - d <= 2;
        if (same || (d < DAY && d > -DAY)) {
            *diff = d;
            *fact = c->conns[i].server_hello;
            return true;
        }
        first = have ? first : d;
        have = true;
    }
    return false;
}

void tw_clocks_of(const struct tw_case *c, struct tw_clocks *k)
{
    *k = (struct tw_clocks){0};
    const struct tw_fact *date = tw_trace_first(c->trace, 0, TW_FACT_CLOCK, "http_date");
    const struct tw_fact *sntp = tw_trace_first(c->trace, 0, TW_FACT_CLOCK, "sntp");
    k->set_by_hand = tw_trace_setting_num(c->trace, "at_given", 0) != 0;
    k->unsynchronised = tw_trace_first(c->trace, 0, TW_FACT_CLOCK, "unsynchronised");
    k->synchronised = tw_trace_first(c->trace, 0, TW_FACT_CLOCK, "synchronised");
    k->file_newer = tw_trace_first(c->trace, 0, TW_FACT_CLOCK, "file_newer");
    if (sntp != NULL) {
        k->ntp = sntp;
        k->ntp_diff = sntp->num - sntp->aux;
    }
    if (date != NULL) {
        k->server = date;
        k->server_diff = date->num - date->aux;
    } else if (hello_clock(c, &k->server_diff, &k->server)) {
        k->by_hello = true;
    }
}

static bool is_close(int64_t diff)
{
    return diff <= CLOSE && diff >= -CLOSE;
}

static const char *diff_text(int64_t d, char *buf, size_t cap)
{
    int64_t s = d < 0 ? -d : d;
    const char *where = d < 0 ? "behind" : "ahead of";
    if (s >= 2 * DAY)
        snprintf(buf, cap, "%lld days %s ours", (long long)(s / DAY), where);
    else if (s >= 2 * 3600)
        snprintf(buf, cap, "%lld hours %s ours", (long long)(s / 3600), where);
    else if (s >= 120)
        snprintf(buf, cap, "%lld minutes %s ours", (long long)(s / 60), where);
    else
        snprintf(buf, cap, "%lld s %s ours", (long long)s, where);
    return buf;
}

static void cite(const struct tw_case *c, struct tw_finding *f, const struct tw_clocks *k)
{
    char when[32], diff[64];
    if (k->ntp != NULL)
        tw_finding_cite(f, "a time server's clock", k->ntp->text, "%s, %s",
                        tw_time_text(k->ntp->num, when, sizeof when),
                        diff_text(k->ntp_diff, diff, sizeof diff));
    if (k->server != NULL)
        tw_finding_cite(f, "the server's clock", k->by_hello ? "ServerHello, gmt_unix_time"
                                                             : "Date header", "%s, %s",
                        tw_time_text(k->by_hello ? ours_at(c, k->server->at) + k->server_diff
                                                 : k->server->num, when, sizeof when),
                        diff_text(k->server_diff, diff, sizeof diff));
    if (k->unsynchronised != NULL)
        tw_finding_cite(f, "this machine", "adjtimex", "%s", k->unsynchronised->text);
    if (k->file_newer != NULL)
        tw_finding_cite(f, "a file newer than now", k->file_newer->text, "written at %s",
                        tw_time_text(k->file_newer->num, when, sizeof when));
}

/* ---- the dates of the certificates by another clock ------------------------------------------------------ */

static bool fails_on_dates(const struct tw_case *c, uint32_t *conn)
{
    for (size_t i = 0; i < c->conns_n; i++) {
        uint32_t n = c->conns[i].conn;
        if (tw_trace_first(c->trace, n, TW_FACT_PATH, "expired") == NULL &&
            tw_trace_first(c->trace, n, TW_FACT_PATH, "not_yet_valid") == NULL)
            continue;
        *conn = n;
        return true;
    }
    return false;
}

/* Every certificate the server sent on conn is valid at t. */
static bool all_valid_at(const struct tw_case *c, uint32_t conn, int64_t t, enum tw_side from)
{
    const struct tw_fact *f = NULL;
    size_t n = 0;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL) {
        struct tw_cert cert;
        if (f->from != from)
            continue;
        tw_cert_parse(f->data, &cert);
        if (t + SLACK < cert.not_before || t - SLACK > cert.not_after)
            return false;
        n++;
    }
    return n > 0;
}

enum tw_clock_word tw_clock_word(const struct tw_case *c, const struct tw_clocks *k)
{
    uint32_t conn;
    if (k->set_by_hand || !fails_on_dates(c, &conn))
        return TW_CLOCK_NO_WORD;
    if (k->ntp != NULL) {
        if (is_close(k->ntp_diff))
            return TW_CLOCK_OURS_RIGHT;
        return all_valid_at(c, conn, c->wall_time + k->ntp_diff, TW_SERVER) ? TW_CLOCK_OURS_WRONG
                                                                            : TW_CLOCK_NO_WORD;
    }
    if (k->server == NULL)
        return TW_CLOCK_NO_WORD;
    if (is_close(k->server_diff))
        return TW_CLOCK_OURS_RIGHT;
    return all_valid_at(c, conn, c->wall_time + k->server_diff, TW_SERVER) ? TW_CLOCK_DISAGREE
                                                                           : TW_CLOCK_NO_WORD;
}

/* ---- clock-skew-client -------------------------------------------------------------------------------------- */

static bool match_client(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_clocks k;
    char diff[64];
    tw_clocks_of(c, &k);
    enum tw_clock_word w = tw_clock_word(c, &k);
    if (w != TW_CLOCK_OURS_WRONG && w != TW_CLOCK_DISAGREE)
        return false;
    f->certainty = w == TW_CLOCK_OURS_WRONG ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "certificate";
    cite(c, f, &k);
    tw_finding_cite(f, "the certificates", "our check", "valid by that clock, not by ours");
    if (w == TW_CLOCK_OURS_WRONG) {
        tw_finding_not(f, "cert-expired", "excluded: by a right clock the dates are in order");
    } else {
        tw_finding_not(f, "clock-skew-server", "not excluded: ask a third clock (--sntp HOST)");
        tw_finding_not(f, "cert-expired", "not excluded: the server's clock may be wrong too");
    }
    tw_finding_summary(f, "This machine's clock is wrong: %s is %s, and by it the certificate is "
                          "valid.", k.ntp != NULL ? "the time server's" : "the server's",
                       diff_text(k.ntp != NULL ? k.ntp_diff : k.server_diff, diff, sizeof diff));
    return true;
}

const struct tw_rule tw_rule_clock_skew_client = {
    .id = "clock-skew-client",
    .title = "The client's clock is wrong",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The client compares a certificate's dates with its own clock. When that clock is "
               "years behind (no battery, a resumed virtual machine) or ahead, good certificates "
               "look expired or not yet valid, on every site.",
    .evidence = "A second clock differs from the client's, and by that one the dates are in order.",
    .fix = {{"systemd", "Set the clock and keep it set.",
             "timedatectl set-ntp true && timedatectl"},
            {"chrony", "Step at once.", "chronyc makestep && chronyc tracking"},
            {"Windows", "", "w32tm /resync"},
            {"macOS", "", "sudo sntp -sS time.apple.com"},
            {"virtual machine", "Let the guest follow the host after a resume.", NULL},
            {"device without a battery", "Set the clock before TLS is used: from a file's date, "
                                         "then by NTP.", NULL}},
    .lookalikes = {{"cert-expired", "by every clock the certificate is past its end"},
                   {"cert-not-yet-valid", "by every clock its first moment is to come"},
                   {"clock-skew-server", "the other clock is the wrong one"}},
    .refs = {"RFC 5280 §4.1.2.5", "RFC 5905", "RFC 9110 §6.6.1"},
    .match = match_client,
};

/* ---- clock-skew-server ---------------------------------------------------------------------------------------- */

/* The server refused our client certificate, which is valid by our clock and not by the server's. */
static bool refused_ours(const struct tw_case *c, const struct tw_clocks *k)
{
    const struct tw_conn_view *b = c->base;
    if (b == NULL || b->ok || !b->client_cert_sent || k->server == NULL || is_close(k->server_diff))
        return false;
    bool alert = b->alert == TW_ALERT_CERTIFICATE_EXPIRED || b->alert == TW_ALERT_BAD_CERTIFICATE ||
                 b->alert == TW_ALERT_CERTIFICATE_UNKNOWN;
    return alert && all_valid_at(c, b->conn, c->wall_time, TW_CLIENT) &&
           !all_valid_at(c, b->conn, c->wall_time + k->server_diff, TW_CLIENT);
}

static bool match_server(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_clocks k;
    char diff[64];
    uint32_t conn;
    tw_clocks_of(c, &k);
    bool refused = refused_ours(c, &k);
    bool confirmed = k.ntp != NULL && is_close(k.ntp_diff);
    if (k.set_by_hand || k.server == NULL || is_close(k.server_diff) ||
        (k.ntp != NULL && !confirmed) || (fails_on_dates(c, &conn) && !confirmed))
        return false; /* ours may be the wrong one */
    f->certainty = confirmed ? TW_PROVEN : k.synchronised != NULL || refused ? TW_LIKELY
                                                                             : TW_POSSIBLE;
    f->failed_at = refused ? "client_auth" : NULL;
    f->next = !refused;
    cite(c, f, &k);
    if (refused)
        tw_finding_cite(f, "our client certificate", "our check", "valid by our clock, not by the "
                        "server's");
    tw_finding_not(f, "clock-skew-client", confirmed ? "excluded: a time server agrees with ours"
                                                     : "not excluded: ask a third clock "
                                                       "(--sntp HOST)");
    tw_finding_summary(f, "The server's clock is %s%s.",
                       diff_text(k.server_diff, diff, sizeof diff),
                       refused ? ", so our client certificate is not valid to it"
                               : "; tickets, OCSP staples and client certificates will fail by it");
    return true;
}

const struct tw_rule tw_rule_clock_skew_server = {
    .id = "clock-skew-server",
    .title = "The server's clock is wrong",
    .category = "server",
    .side = TW_SERVER,
    .explain = "The server's clock is off. It then takes valid client certificates for expired or "
               "not yet valid, keeps or drops OCSP staples and session tickets at the wrong time, "
               "and issues tokens that others refuse.",
    .evidence = "The Date header of its answers, or the time in ServerHello of old versions, "
                "differs from a clock that is known to be right.",
    .fix = {{"systemd", "Set the clock and keep it set, then restart what cached times.",
             "timedatectl set-ntp true && systemctl restart nginx"},
            {"chrony", "Step at once.", "chronyc makestep"},
            {"Windows", "", "w32tm /resync"},
            {"container", "It has its host's clock: set that one.", NULL}},
    .lookalikes = {{"clock-skew-client", "ours is the wrong one"},
                   {"client-cert-expired", "the client certificate is past its end by every clock"}},
    .refs = {"RFC 9110 §6.6.1", "RFC 5246 §7.4.1.2", "RFC 5905"},
    .match = match_server,
};
