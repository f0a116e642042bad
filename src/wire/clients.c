/* What real clients send first, as recipes. The rows are data: clients/ of this folder. */
#include "wire/wire.h"

#define U16S(...)                                                                                  \
    {(const uint16_t[]){__VA_ARGS__}, sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)}
#define BODY(type, bytes) {type, {(const uint8_t *)(bytes), sizeof(bytes) - 1}}
#define CLIENT(...) {__VA_ARGS__},

static const struct tw_client_profile profiles[] = {
#include "wire/clients/captured.def"
#include "wire/clients/published.def"
};

const struct tw_client_profile *tw_client_profile_at(size_t i)
{
    return i < TW_ARRAY_LEN(profiles) ? &profiles[i] : NULL;
}

const struct tw_client_profile *tw_client_profile_by_name(const char *name)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(profiles); i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

static void fill(struct tw_u16list *to, const struct tw_u16_row *from)
{
    to->n = 0;
    for (size_t i = 0; i < from->n; i++)
        tw_u16list_add(to, from->v[i]);
}

static void fill_alpn(struct tw_hello *h, const char *names)
{
    while (names != NULL && *names != '\0' && h->alpn_n < TW_ARRAY_LEN(h->alpn)) {
        size_t n = strcspn(names, ",");
        if (n < sizeof h->alpn[0])
            memcpy(h->alpn[h->alpn_n++], names, n);
        names += n + (names[n] == ',');
    }
}

void tw_client_profile_hello(const struct tw_client_profile *p, struct tw_hello *h)
{
    *h = (struct tw_hello){.record_version = p->record_version,
                           .legacy_version = p->legacy_version,
                           .grease = p->grease,
                           .compress_null_only = !p->deflate,
                           .random_session_id = p->session_id,
                           .pad_to = p->pad_to};
    fill(&h->versions, &p->versions);
    fill(&h->ciphers, &p->ciphers);
    fill(&h->groups, &p->groups);
    fill(&h->shares, &p->shares);
    fill(&h->sigalgs, &p->sigalgs);
    fill(&h->sigalgs_cert, &p->sigalgs_cert);
    fill(&h->cert_compression, &p->cert_compression);
    fill_alpn(h, p->alpn);
    for (size_t i = 0; i < p->extensions.n && h->order_n < TW_HELLO_MAX_EXT; i++)
        h->order[h->order_n++] = p->extensions.v[i];
    for (size_t i = 0; i < TW_ARRAY_LEN(p->bodies); i++) {
        if (p->bodies[i].body.data == NULL)
            break;
        h->raw_ext[h->raw_ext_n].type = p->bodies[i].type;
        h->raw_ext[h->raw_ext_n++].body = p->bodies[i].body;
    }
}
