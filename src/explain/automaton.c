/*
 * Aho and Corasick's automaton (CACM 18(6), 1975) as a full table: one look-up a character. Our own
 * because what Debian has for this is Hyperscan (x86 only) and Vectorscan: C++ engines for regular
 * expressions, megabytes in size, while the anchors here are nothing but literals.
 */
#include "explain/explain_internal.h"

struct tw_automaton {
    uint8_t class_of[256];
    size_t classes;
    uint16_t *next;          /* states x classes; class 0 = in no anchor */
    uint16_t *anchor;        /* 1 + the anchor that ends here, 0 none */
    uint16_t *suffix;        /* the longest proper suffix state in which an anchor ends; 0 none */
    size_t states;
};

static void classify(struct tw_automaton *a)
{
    a->classes = 1;
    for (size_t i = 0; i < tw_explain_anchors_n; i++)
        for (const char *p = tw_explain_anchors[i].text; *p != '\0'; p++)
            if (a->class_of[(uint8_t)*p] == 0)
                a->class_of[(uint8_t)*p] = (uint8_t)a->classes++;
}

static void insert(struct tw_automaton *a, size_t i)
{
    size_t state = 0;
    for (const char *p = tw_explain_anchors[i].text; *p != '\0'; p++) {
        uint16_t *to = &a->next[state * a->classes + a->class_of[(uint8_t)*p]];
        if (*to == 0)
            *to = (uint16_t)a->states++;
        state = *to;
    }
    a->anchor[state] = (uint16_t)(i + 1);
}

/* Breadth first: a state's failure is nearer to the root, so its row is complete already. */
static bool complete(struct tw_automaton *a)
{
    uint16_t *queue = calloc(a->states, sizeof *queue), *fail = calloc(a->states, sizeof *fail);
    bool ok = queue != NULL && fail != NULL;
    size_t head = 0, tail = 0;
    for (size_t c = 0; ok && c < a->classes; c++)
        if (a->next[c] != 0)
            queue[tail++] = a->next[c];
    while (ok && head < tail) {
        size_t s = queue[head++], f = fail[s];
        a->suffix[s] = a->anchor[f] != 0 ? (uint16_t)f : a->suffix[f];
        for (size_t c = 0; c < a->classes; c++) {
            uint16_t *to = &a->next[s * a->classes + c], back = a->next[f * a->classes + c];
            if (*to == 0) {
                *to = back;
            } else {
                fail[*to] = back;
                queue[tail++] = *to;
            }
        }
    }
    free(queue);
    free(fail);
    return ok;
}

struct tw_automaton *tw_automaton_new(void)
{
    struct tw_automaton *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    classify(a);
    size_t max = tw_explain_states;
    a->next = calloc(max * a->classes, sizeof *a->next);
    a->anchor = calloc(max, sizeof *a->anchor);
    a->suffix = calloc(max, sizeof *a->suffix);
    bool ok = a->next != NULL && a->anchor != NULL && a->suffix != NULL;
    a->states = 1;
    for (size_t i = 0; ok && i < tw_explain_anchors_n; i++)
        insert(a, i);
    assert(!ok || a->states == max);
    if (!ok || !complete(a)) {
        tw_automaton_free(a);
        return NULL;
    }
    return a;
}

void tw_automaton_free(struct tw_automaton *a)
{
    if (a == NULL)
        return;
    free(a->next);
    free(a->anchor);
    free(a->suffix);
    free(a);
}

uint32_t tw_automaton_step(const struct tw_automaton *a, uint32_t state, int c)
{
    uint8_t k = a->class_of[c == '\n' ? ' ' : (uint8_t)c];
    return a->next[state * a->classes + k];
}

bool tw_automaton_hits(const struct tw_automaton *a, uint32_t state)
{
    return a->anchor[state] != 0 || a->suffix[state] != 0;
}

const struct tw_anchor *tw_automaton_hit(const struct tw_automaton *a, uint32_t *link)
{
    uint32_t s = *link;
    if (s != 0 && a->anchor[s] == 0)
        s = a->suffix[s];
    if (s == 0)
        return NULL;
    *link = a->suffix[s];
    return &tw_explain_anchors[a->anchor[s] - 1];
}
