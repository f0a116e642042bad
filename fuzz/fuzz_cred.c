/*
 * Certificate and key files: PEM and PKCS#12. Byte 0 says whether there is a password and where the
 * first file ends (in 64ths). Promises: a credential that is loaded has a certificate, one that is
 * refused a reason.
 */
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tw_crypto *crypto; /* lives as long as the fuzzer */
    if (size < 1)
        return 0;
    if (crypto == NULL)
        crypto = tw_crypto_new();
    struct tw_view in = tw_view_of(data + 1, size - 1);
    size_t cut = (data[0] & 63) == 0 ? in.len : in.len * (data[0] & 63) / 64;
    const char *password = (data[0] & 64) != 0 ? "secret" : NULL, *why = NULL;
    struct tw_credential *cred = NULL;
    if (crypto != NULL &&
        tw_credential_load(crypto, tw_view_sub(in, 0, cut), tw_view_sub(in, cut, in.len), password,
                           &cred, &why) == TW_OK) {
        if (cred == NULL || cred->chain_n == 0 || cred->chain[0].len == 0)
            abort();
        tw_credential_free(cred);
    } else if (crypto != NULL && (why == NULL || why[0] == '\0')) {
        abort();
    }
    size_t pos = 0, damaged = 0;
    struct tw_buf der;
    tw_buf_init(&der, 1 << 20);
    for (int i = 0; i < 1000 && tw_pem_next_cert(in, &pos, &der, &damaged); i++)
        der.len = 0;
    tw_buf_cleanup(&der);
    return 0;
}
