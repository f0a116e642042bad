/*
 * The chain as it was sent, whether or not a path can be built from it: what a server's
 * administrator would want to put right; and the chain to send instead.
 */
#include "x509/path_internal.h"

const char *tw_chain_note_name(enum tw_chain_note_kind k)
{
    static const char *const names[] = {
#define X(id, name, text) name,
        TW_CHAIN_NOTE_LIST(X)
#undef X
    };
    return (size_t)k < TW_ARRAY_LEN(names) ? names[k] : "unknown";
}

static const char *note_text(enum tw_chain_note_kind k)
{
    static const char *const texts[] = {
#define X(id, name, text) text,
        TW_CHAIN_NOTE_LIST(X)
#undef X
    };
    return texts[k];
}

static void note(struct builder *b, enum tw_chain_note_kind kind, int place)
{
    struct tw_paths *o = b->out;
    char name[200];
    if (o->notes_n == TW_CHAIN_MAX_NOTES)
        return;
    const char *text = note_text(kind);
    if (place >= 0) {
        cert_words(&b->nodes[place].cert, name, sizeof name);
        text = tw_arena_printf(b->arena, "certificate %d (%s) %s", place, name, text);
    }
    b->nomem = b->nomem || text == NULL;
    o->notes[o->notes_n++] = (struct tw_chain_note){kind, place, text == NULL ? "" : text};
}

/* Step of the best path that a sent certificate is, or -1. */
static int step_of(const struct builder *b, size_t place)
{
    const struct tw_path *p = &b->out->kept[0];
    for (size_t i = 0; b->out->n > 0 && i < p->n; i++)
        if (tw_view_eq(p->steps[i].cert->der, b->nodes[place].cert.der))
            return (int)i;
    return -1;
}

static bool sent_before(const struct builder *b, size_t place)
{
    for (size_t i = 0; i < place; i++)
        if (tw_view_eq(b->nodes[i].cert.der, b->nodes[place].cert.der))
            return true;
    return false;
}

static bool names_issuer(const struct node *issuer, const struct node *child)
{
    return issuer->subject_hash == child->issuer_hash &&
           tw_dn_equal(issuer->cert.subject, child->cert.issuer);
}

/* Which of the certificates sent stand above the leaf by name, over any number of steps. */
static void above_leaf(const struct builder *b, size_t sent, bool *above)
{
    bool more = true;
    above[0] = true;
    for (size_t round = 0; more && round < sent; round++) {
        more = false;
        for (size_t i = 0; i < sent; i++)
            for (size_t j = 1; above[i] && j < sent; j++)
                if (!above[j] && i != j && names_issuer(&b->nodes[j], &b->nodes[i]))
                    above[j] = more = true;
    }
}

/* A certificate of the issuer that a certificate in the best path names, but with another key. */
static bool is_wrong_key(struct builder *b, size_t place)
{
    const struct tw_path *p = &b->out->kept[0];
    for (size_t i = 0; i < p->n; i++) {
        int child = p->steps[i].origin == TW_STEP_SENT ? p->steps[i].place : -1;
        if (child >= 0 && (size_t)child != place &&
            names_issuer(&b->nodes[place], &b->nodes[child]) && p->steps[i].cert->framed)
            return path_signed_by(b, (size_t)child, place) == TW_VERIFY_BAD;
    }
    return false;
}

static bool is_root(struct builder *b, size_t place)
{
    struct node *n = &b->nodes[place];
    return n->cert.self_issued && place > 0 && path_signed_by(b, place, place) == TW_VERIFY_GOOD;
}

static void note_one(struct builder *b, size_t place, bool above)
{
    const struct node *n = &b->nodes[place];
    int step = step_of(b, place);
    if (sent_before(b, place)) {
        note(b, TW_CHAIN_DUPLICATE, (int)place);
        return;
    }
    if (is_root(b, place))
        note(b, TW_CHAIN_ROOT_SENT, (int)place);
    else if (step < 0 && is_wrong_key(b, place))
        note(b, TW_CHAIN_WRONG_INTERMEDIATE, (int)place);
    else if (step < 0 && !above)
        note(b, TW_CHAIN_SUPERFLUOUS, (int)place);
    if (n->cert.framed && b->req->wall_time > n->cert.not_after)
        note(b, TW_CHAIN_EXPIRED, (int)place);
}

/* RFC 5246 7.4.2: each certificate certifies the one before it. RFC 8446 4.4.2 only asks for it. */
static void note_order(struct builder *b)
{
    const struct tw_path *p = &b->out->kept[0];
    int last = -1;
    bool ordered = true, extra = false;
    for (size_t i = 0; b->out->n > 0 && i < p->n; i++) {
        extra = extra || p->steps[i].origin == TW_STEP_EXTRA;
        if (p->steps[i].origin != TW_STEP_SENT)
            continue;
        if (p->steps[i].place < last) {
            note(b, TW_CHAIN_MISORDERED, p->steps[i].place);
            ordered = false;
        }
        last = p->steps[i].place;
    }
    if (!ordered && p->anchored)
        note(b, TW_CHAIN_NEEDS_ORDER, -1);
    if (extra && p->anchored)
        note(b, TW_CHAIN_NEEDS_EXTRA, -1);
}

/* The first certificate is a CA's, a later one is not. */
static void note_leaf_place(struct builder *b, size_t sent)
{
    for (size_t i = 1; b->nodes[0].cert.is_ca && i < sent; i++)
        if (b->nodes[i].cert.framed && !b->nodes[i].cert.is_ca) {
            note(b, TW_CHAIN_LEAF_NOT_FIRST, (int)i);
            return;
        }
}

/* Clients that do not look for alternatives go the way the server laid out: each certificate's
 * issuer is the next one sent. If that path is another one and has faults, it is kept too. */
static void follow_as_sent(struct builder *b, size_t sent)
{
    const struct tw_path *best = &b->out->kept[0];
    if (b->out->n == 0 || !b->found || sent + 1 <= best->n)
        return;
    b->chain[0] = 0;
    b->chain_n = 1;
    for (size_t i = 1; i < sent && b->chain_n < TW_PATH_MAX_STEPS; i++) {
        size_t child = b->chain[b->chain_n - 1];
        if (!names_issuer(&b->nodes[i], &b->nodes[child]) || i == child ||
            path_signed_by(b, child, i) != TW_VERIFY_GOOD)
            break;
        b->link[b->chain_n - 1] = TW_VERIFY_GOOD;
        b->chain[b->chain_n++] = (uint8_t)i;
    }
    struct node *top = &b->nodes[b->chain[b->chain_n - 1]];
    if (step_of(b, b->chain[b->chain_n - 1]) >= 0)
        return; /* a part of the best path */
    enum anchor_state a = path_anchor_state(b, top);
    size_t before = b->out->n;
    path_consider(b, a == ANCHOR_GOOD          ? TW_PATH_OK
                     : top->cert.self_issued ? TW_PATH_UNKNOWN_ROOT
                                             : TW_PATH_MISSING_ISSUER);
    if (b->out->n > before && b->now.faults_n > 0)
        note(b, TW_CHAIN_PATH_CHOICE, top->place);
}

void chain_notes(struct builder *b)
{
    size_t sent = b->out->certs_n;
    bool above[MAX_CERTS] = {false};
    if (sent < 2)
        return;
    above_leaf(b, sent, above);
    note_leaf_place(b, sent);
    for (size_t i = 1; i < sent; i++)
        note_one(b, i, above[i]);
    note_order(b);
    follow_as_sent(b, sent);
}

bool tw_path_write_chain(const struct tw_paths *p, struct tw_buf *pem)
{
    if (p->n == 0 || !p->kept[0].anchored)
        return false;
    const struct tw_path *best = &p->kept[0];
    for (size_t i = 0; i < best->n; i++) {
        bool root = i > 0 && i + 1 == best->n;
        if (!root && tw_pem_write_cert(best->steps[i].cert->der, pem) != TW_OK)
            return false;
    }
    return true;
}
