/* Java key stores: the input is what stands behind the magic number, so that every mutation is one of
 * the entries. */
#include "x509/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t magic[] = {0xfe, 0xed, 0xfe, 0xed};
    struct tw_crypto *c = tw_crypto_fake(1);
    struct tw_trust *t = tw_trust_new("fuzz");
    struct tw_store_content out = {0};
    struct tw_buf b;
    tw_buf_init(&b, size + sizeof magic);
    require(c != NULL && t != NULL && tw_buf_add(&b, magic, sizeof magic));
    require(size == 0 || tw_buf_add(&b, data, size));
    bool whole = tw_store_jks(c, tw_buf_view(&b), NULL, t, &out);
    require(whole == (out.problem == NULL));
    require(tw_trust_count(t) <= out.anchors);
    require(out.format == TW_STORE_JKS);
    tw_buf_cleanup(&b);
    tw_trust_free(t);
    tw_crypto_free(c);
    return 0;
}
