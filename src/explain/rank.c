/*
 * What do the messages mean together? Each message gives shares to its causes, likelier ones more;
 * shares of different messages are multiplied, so that causes on which they agree come first.
 */
#include "explain/explain_internal.h"

struct score {
    double product;
    bool named;              /* some message that counts has it */
    bool proven;
};

struct ranking {
    const struct tw_hits *h;
    struct tw_view text;
    struct tw_arena *arena;
    enum tw_row_side side;                 /* of the paste as a whole */
    uint8_t list[TW_EXPLAIN_MAX_MATCHES][32];   /* causes per hit, TW_CAUSE_END ends */
    enum tw_row_side side_of[TW_EXPLAIN_MAX_MATCHES];
    struct score *score;                   /* per cause */
};

/*
 * What a client says of a server, said by a server of a client: the same words, other causes. A
 * server that verifies looks at the client's certificate; what is no TLS comes from clients; an end
 * in the middle is mostly a client that left.
 */
static const struct { const char *client, *server; } seen_by_server[] = {
    {"cert-expired", "client-cert-expired"},
    {"cert-not-yet-valid", "client-cert-expired"},
    {"clock-skew-client", "clock-skew-server"},
    {"untrusted-private-ca", "client-cert-rejected"},
    {"untrusted-private-ca", "client-cert-chain-incomplete"},
    {"self-signed-leaf", "client-cert-rejected"},
    {"chain-missing-intermediate", "client-cert-chain-incomplete"},
    {"interception-proxy", "client-cert-rejected"},
    {"trust-store-missing", "client-cert-rejected"},
    {"trust-store-outdated", "client-cert-rejected"},
    {"antivirus-interception", "client-cert-rejected"},
    {"default-placeholder-cert", "client-cert-rejected"},
    {"name-mismatch", ""},
    {"eku-missing", "eku-client-auth-missing"},
    {"key-usage-wrong", "eku-client-auth-missing"},
    {"plaintext-on-tls-port", "proxy-protocol-mismatch"},
    {"plaintext-on-tls-port", "plain-client-to-tls-port"},
    {"plaintext-on-tls-port", "benign-probe"},
    {"starttls-needed", ""},
    {"wrong-service-on-port", ""},
    {"proxy-scheme-mismatch", ""},
    {"protocol-prelude-missing", ""},
    {"captive-portal", ""},
    {"close-on-client-hello", "benign-probe"},
    {"close-on-client-hello", "client-rejected-server-cert"},
    {"close-on-client-hello", "mtu-blackhole"},
    {"reset-before-hello", "benign-probe"},
    {"rst-on-client-hello", "benign-probe"},
    {"rst-on-client-hello", "client-rejected-server-cert"},
    {"sni-filtering", ""},
    {"version-server-too-old", "version-client-too-old"},
    {"version-intolerance", ""},
};

static size_t cause_index(const char *id)
{
    for (size_t i = 0; i < tw_explain_causes_n; i++)
        if (strcmp(tw_explain_causes[i].id, id) == 0)
            return i;
    return TW_CAUSE_END;
}

/* Certain sides first; what says nothing itself takes the side of what stands around it. */
static void find_sides(struct ranking *r)
{
    const struct tw_hits *h = r->h;
    unsigned votes[2] = {0, 0};
    for (size_t i = 0; i < h->n; i++)
        if (h->hit[i].row->side != TW_ROW_EITHER)
            votes[h->hit[i].row->side] += 1 + (unsigned)h->hit[i].row->context;
    r->side = votes[TW_ROW_SERVER] > votes[TW_ROW_CLIENT]   ? TW_ROW_SERVER
              : votes[TW_ROW_CLIENT] > votes[TW_ROW_SERVER] ? TW_ROW_CLIENT
                                                            : TW_ROW_EITHER;
    for (size_t i = 0; i < h->n; i++) {
        r->side_of[i] = h->hit[i].row->side;
        size_t best = 0;
        for (size_t k = 0; k < h->n && r->side_of[i] == TW_ROW_EITHER; k++)
            if (h->hit[k].row->side != TW_ROW_EITHER && tw_hit_overlap(&h->hit[i], &h->hit[k]) &&
                tw_hit_specificity(&h->hit[k]) > best) {
                best = tw_hit_specificity(&h->hit[k]);
                r->side_of[i] = h->hit[k].row->side;
            }
        if (r->side_of[i] == TW_ROW_EITHER)
            r->side_of[i] = r->side;
    }
}

static void add_cause(uint8_t *list, size_t *n, size_t cause)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == cause)
            return;
    if (*n < 31 && cause < TW_CAUSE_END)
        list[(*n)++] = (uint8_t)cause;
    list[*n] = TW_CAUSE_END;
}

/* An alert of which nobody knows who sent it: the likeliest of both in turn. */
static void mix(uint8_t *list, const uint8_t *a, const uint8_t *b)
{
    size_t n = 0;
    while (*a != TW_CAUSE_END || *b != TW_CAUSE_END) {
        if (*a != TW_CAUSE_END)
            add_cause(list, &n, *a++);
        if (*b != TW_CAUSE_END)
            add_cause(list, &n, *b++);
    }
}

static void add_translated(uint8_t *list, size_t *n, size_t cause)
{
    bool found = false;
    for (size_t k = 0; k < TW_ARRAY_LEN(seen_by_server); k++) {
        if (strcmp(seen_by_server[k].client, tw_explain_causes[cause].id) != 0)
            continue;
        found = true;
        if (seen_by_server[k].server[0] != '\0')
            add_cause(list, n, cause_index(seen_by_server[k].server));
    }
    if (!found)
        add_cause(list, n, cause);
}

static void list_causes(struct ranking *r, size_t i)
{
    const struct tw_hit *h = &r->h->hit[i];
    uint8_t *list = r->list[i];
    const uint8_t *c = h->row->causes;
    size_t n = 0;
    list[0] = TW_CAUSE_END;
    bool own = *c != TW_CAUSE_END;
    const struct tw_alert_row *a = own || h->alert < 0 ? NULL : tw_alert_row_of(h->alert);
    if (a != NULL && r->side_of[i] == TW_ROW_EITHER) {
        mix(list, a->by_server, a->by_client);
        return;
    }
    if (a != NULL)
        c = (r->side_of[i] == TW_ROW_SERVER) == h->row->sends ? a->by_server : a->by_client;
    else if (!own && h->reason != NULL)
        c = h->reason->causes;
    /* A row that is for servers has its causes as they are for servers. */
    bool translate = a == NULL && r->side_of[i] == TW_ROW_SERVER &&
                     !(own && h->row->side == TW_ROW_SERVER);
    for (; *c != TW_CAUSE_END; c++) {
        if (translate)
            add_translated(list, &n, *c);
        else
            add_cause(list, &n, *c);
    }
}

static double share(const uint8_t *list, size_t place)
{
    double w = 0.8 + 0.04 * tw_explain_causes[list[place]].frequency;
    for (size_t i = 0; i < place; i++)
        w *= 0.8;
    return w;
}

/* A message multiplies every cause: those it names by their share, others by a small rest. */
static void count_message(struct ranking *r, const uint8_t *list)
{
    const double rest = 0.05;
    double sum = 0;
    size_t n = 0;
    for (; list[n] != TW_CAUSE_END; n++)
        sum += share(list, n);
    for (size_t c = 0; c < tw_explain_causes_n; c++)
        r->score[c].product *= rest / (double)tw_explain_causes_n;
    for (size_t i = 0; i < n; i++) {
        struct score *s = &r->score[list[i]];
        s->product *= (double)tw_explain_causes_n / rest *
                      ((1 - rest) * share(list, i) / sum + rest / (double)tw_explain_causes_n);
        s->named = true;
    }
}

/* Keeps products in range whatever their number. */
static double normalise(struct ranking *r)
{
    double sum = 0;
    for (size_t c = 0; c < tw_explain_causes_n; c++)
        sum += r->score[c].named ? r->score[c].product : 0;
    double all = 0;
    for (size_t c = 0; c < tw_explain_causes_n; c++)
        all += r->score[c].product;
    for (size_t c = 0; all > 0 && c < tw_explain_causes_n; c++)
        r->score[c].product /= all;
    return all > 0 ? sum / all : 0;
}

static bool same_list(const uint8_t *a, const uint8_t *b)
{
    size_t i = 0;
    while (a[i] == b[i] && a[i] != TW_CAUSE_END)
        i++;
    return a[i] == b[i];
}

static bool counts(const struct ranking *r, size_t i)
{
    return !r->h->hit[i].shadowed && r->list[i][0] != TW_CAUSE_END;
}

static bool is_vague(const struct tw_hit *h)
{
    bool own = h->row->causes[0] != TW_CAUSE_END;
    return own ? h->row->vague : h->alert < 0 && h->reason != NULL && h->reason->vague;
}

/* What only says that something failed is kept out once a message says more. */
static bool only_vague(const struct ranking *r)
{
    for (size_t i = 0; i < r->h->n; i++)
        if (counts(r, i) && !is_vague(&r->h->hit[i]))
            return false;
    return true;
}

static bool told_before(const struct ranking *r, size_t i, bool vague)
{
    for (size_t k = 0; k < i; k++)
        if (counts(r, k) && (vague || !is_vague(&r->h->hit[k])) &&
            same_list(r->list[k], r->list[i]))
            return true;
    return false;
}

static void weigh(struct ranking *r)
{
    const struct tw_hits *h = r->h;
    bool vague = only_vague(r);
    for (size_t c = 0; c < tw_explain_causes_n; c++)
        r->score[c].product = 1;
    for (size_t i = 0; i < h->n; i++) {
        if (!counts(r, i) || (!vague && is_vague(&h->hit[i])) || told_before(r, i, vague))
            continue;
        count_message(r, r->list[i]);
        (void)normalise(r);
        if (h->hit[i].row->proves && r->list[i][1] == TW_CAUSE_END)
            r->score[r->list[i][0]].proven = true;
    }
    for (size_t i = 0; i < h->hints_n; i++)
        for (const uint8_t *c = h->hint[i].row->causes; *c != TW_CAUSE_END; c++)
            r->score[*c].product *= 2;
    (void)normalise(r);
}

/* ---- findings -------------------------------------------------------------------------------- */

static const char *side_word(enum tw_row_side s)
{
    return s == TW_ROW_CLIENT ? "client" : s == TW_ROW_SERVER ? "server" : "either";
}

/* The message as it stands in the paste, blanks made one, at most 200 bytes. */
static const char *excerpt(struct ranking *r, const struct tw_hit *h)
{
    char buf[204];
    size_t n = 0;
    for (size_t i = h->offset; i < h->offset + h->len && i < r->text.len && n < 200; i++) {
        uint8_t c = r->text.data[i];
        bool blank = c <= ' ';
        if (blank && n > 0 && buf[n - 1] == ' ')
            continue;
        buf[n++] = blank ? ' ' : (char)c;
    }
    while (n > 0 && (buf[n - 1] == ' ' || (n >= 198 && (uint8_t)buf[n - 1] >= 0x80)))
        n--;
    return tw_arena_text(r->arena, tw_view_of(buf, n));
}

static unsigned line_of(struct tw_view text, size_t offset)
{
    unsigned line = 1;
    const uint8_t *p = text.data, *end = text.data + offset;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        line++;
        p++;
    }
    return line;
}

static const char *note_of(struct ranking *r, const struct tw_hit *h)
{
    const struct tw_alert_row *a = h->alert >= 0 ? tw_alert_row_of(h->alert) : NULL;
    if (h->row->note != NULL)
        return h->row->note;
    if (a != NULL) {
        char name[64];
        tw_copy_str(name, sizeof name, tw_alert_by_code((uint8_t)h->alert) == NULL
                                           ? "alert"
                                           : tw_alert_by_code((uint8_t)h->alert)->name);
        return tw_arena_printf(r->arena, "TLS alert %d, %s", h->alert, name);
    }
    return h->reason != NULL ? h->reason->symbol : NULL;
}

static bool fill_matches(struct ranking *r, struct tw_diagnosis *d)
{
    const struct tw_hits *h = r->h;
    struct tw_match *m = tw_arena_alloc(r->arena, (h->n + 1) * sizeof *m);
    if (m == NULL)
        return false;
    for (size_t i = 0; i < h->n; i++) {
        const struct tw_hit *x = &h->hit[i];
        m[i] = (struct tw_match){.text = excerpt(r, x), .stack = x->row->stack,
                                 .side = side_word(r->side_of[i]), .note = note_of(r, x),
                                 .offset = x->offset, .line = line_of(r->text, x->offset),
                                 .count = x->count,
                                 .beside = x->shadowed || r->list[i][0] == TW_CAUSE_END};
        if (m[i].text == NULL)
            return false;
    }
    d->matches = m;
    d->matches_n = h->n;
    return true;
}

static bool lists(const uint8_t *list, size_t cause)
{
    for (; *list != TW_CAUSE_END; list++)
        if (*list == cause)
            return true;
    return false;
}

/* Fixes are told for the software that spoke, where the catalogue has one. */
static const char *software_of(const struct tw_rule *rule, const char *stack,
                               struct tw_arena *arena)
{
    size_t n = strcspn(stack, " /(");
    char *word = tw_arena_text(arena, tw_view_of(stack, n));
    for (size_t i = 0; word != NULL && i < TW_MAX_FIX && rule->fix[i].for_ != NULL; i++)
        if (strncmp(rule->fix[i].for_, word, n) == 0)
            return word;
    return NULL;
}

static void cite(struct ranking *r, const struct tw_diagnosis *d, struct tw_finding *f,
                 size_t cause)
{
    for (size_t i = 0; i < r->h->n; i++) {
        const struct tw_match *m = &d->matches[i];
        if (r->h->hit[i].shadowed || !lists(r->list[i], cause))
            continue;
        char source[80];
        snprintf(source, sizeof source, m->count > 1 ? "line %u, %u times" : "line %u", m->line,
                 m->count);
        tw_finding_cite(f, m->stack, source, "%s", m->text);
        if (f->software == NULL)
            f->software = software_of(f->rule, m->stack, r->arena);
        if (f->evidence_n == 1)
            tw_finding_summary(f, "%s, as %s reports with \"%.120s\".", f->rule->title, m->stack,
                               m->text);
    }
}

static size_t best_left(const struct ranking *r, const bool *done)
{
    size_t best = TW_CAUSE_END;
    for (size_t c = 0; c < tw_explain_causes_n; c++)
        if (!done[c] && r->score[c].named &&
            (best == TW_CAUSE_END || r->score[c].product > r->score[best].product))
            best = c;
    return best;
}

static void fill_causes(struct ranking *r, struct tw_diagnosis *d)
{
    bool done[TW_CAUSE_END + 1] = {false};
    size_t c;
    while (d->causes_n < TW_MAX_FINDINGS && (c = best_left(r, done)) != TW_CAUSE_END) {
        const struct tw_rule *rule = tw_rule_by_id(tw_explain_causes[c].id);
        done[c] = true;
        if (rule == NULL || (d->causes_n > 0 && r->score[c].product < 0.002))
            continue;
        struct tw_finding *f = &d->causes[d->causes_n++];
        *f = (struct tw_finding){.rule = rule, .side = rule->side, .arena = r->arena,
                                 .summary = rule->title,
                                 .failed_at = tw_explain_causes[c].failed_at};
        f->certainty = r->score[c].proven         ? TW_PROVEN
                       : r->score[c].product >= 0.5 ? TW_LIKELY
                                                    : TW_POSSIBLE;
        cite(r, d, f, c);
    }
    /* A proof is the first, whatever the rest of the paste suggests. */
    for (size_t i = 1; i < d->causes_n; i++)
        if (d->causes[i].certainty == TW_PROVEN && d->causes[0].certainty != TW_PROVEN) {
            struct tw_finding first = d->causes[i];
            memmove(&d->causes[1], &d->causes[0], i * sizeof first);
            d->causes[0] = first;
        }
}

/* What tells the others from the likeliest: its own word on look-alikes, else how each is seen. */
static void tell_apart(struct tw_diagnosis *d)
{
    struct tw_finding *f = &d->causes[0];
    for (size_t i = 1; i < d->causes_n && f->not_n < TW_MAX_LOOKALIKE; i++) {
        const struct tw_rule *other = d->causes[i].rule;
        const char *tell = other->evidence;
        for (size_t k = 0; k < TW_MAX_LOOKALIKE && f->rule->lookalikes[k].id != NULL; k++)
            if (strcmp(f->rule->lookalikes[k].id, other->id) == 0)
                tell = f->rule->lookalikes[k].tell;
        tw_finding_not(f, other->id, "%s", tell);
    }
}

enum tw_status tw_explain_rank(const struct tw_hits *h, struct tw_view text, struct tw_arena *arena,
                               struct tw_diagnosis *d)
{
    struct ranking *r = tw_arena_alloc(arena, sizeof *r);
    if (r == NULL)
        return TW_E_NOMEM;
    *r = (struct ranking){.h = h, .text = text, .arena = arena};
    r->score = tw_arena_alloc(arena, tw_explain_causes_n * sizeof *r->score);
    if (r->score == NULL)
        return TW_E_NOMEM;
    find_sides(r);
    for (size_t i = 0; i < h->n; i++)
        list_causes(r, i);
    weigh(r);
    if (!fill_matches(r, d))
        return TW_E_NOMEM;
    fill_causes(r, d);
    d->outcome = h->n > 0 ? TW_OUTCOME_FAIL : TW_OUTCOME_UNKNOWN;
    if (d->causes_n > 0) {
        tell_apart(d);
        d->failed_at = d->causes[0].failed_at;
    } else {
        d->outcome = TW_OUTCOME_UNKNOWN;
    }
    return TW_OK;
}
