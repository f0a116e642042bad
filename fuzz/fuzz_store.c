/* Trust stores come from anywhere. Whatever the bytes are, what is counted as an anchor can be found
 * as one, and reading the same bytes again adds nothing. */
#include "x509/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void every_anchor_is_found(struct tw_trust *t)
{
    struct tw_view der, same;
    for (size_t i = 0; tw_trust_at(t, i, &der) && i < 50; i++) {
        struct tw_cert c;
        tw_cert_parse(der, &c);
        bool found = false;
        for (size_t j = 0; !found && tw_trust_find(t, c.subject, j, &same); j++)
            found = tw_view_eq(same, der);
        require(found || c.subject.len == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_crypto *c = tw_crypto_fake(1);
    struct tw_trust *t = tw_trust_new("fuzz");
    struct tw_store_content first, second;
    struct tw_view in = tw_view_of(data, size);
    require(c != NULL && t != NULL);
    enum tw_status st = tw_store_read(c, in, NULL, t, &first);
    size_t count = tw_trust_count(t);
    require(st == TW_OK || (st == TW_E_INPUT && first.problem != NULL));
    require(count <= first.anchors && (first.anchors == 0 || count > 0));
    every_anchor_is_found(t);
    require(tw_store_read(c, in, NULL, t, &second) == st);
    require(tw_trust_count(t) == count && second.anchors == first.anchors);
    tw_trust_free(t);
    tw_crypto_free(c);
    return 0;
}
