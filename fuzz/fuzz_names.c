/* A name asked for (up to the first NUL) and a certificate: what matches is one of the known answers,
 * and a name that fits fits in other case too. Address texts come back as they were. */
#include "x509/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void addresses(const char *name)
{
    uint8_t ip[16], again[16];
    char text[48];
    size_t n = tw_ip_parse(name, ip);
    require(n == 0 || n == 4 || n == 16);
    if (n == 16)
        require(tw_ip_parse(tw_ip6_text(ip, text, sizeof text), again) == 16 &&
                memcmp(ip, again, 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[300], upper[300], nearest[64];
    size_t n = 0;
    while (n < size && n + 1 < sizeof name && data[n] != 0) {
        name[n] = (char)data[n];
        upper[n] = name[n] >= 'a' && name[n] <= 'z' ? (char)(name[n] - 32) : name[n];
        n++;
    }
    name[n] = upper[n] = '\0';
    struct tw_cert c;
    tw_cert_parse(tw_view_of(data + n, size - n), &c);
    enum tw_name_match m = tw_cert_name_match(&c, name, nearest, sizeof nearest);
    require(m <= TW_NAME_UNUSUAL_FORM && strlen(nearest) < sizeof nearest);
    if (m == TW_NAME_OK && !tw_cert_uri_match(&c, name))
        require(tw_cert_name_match(&c, upper, nearest, sizeof nearest) == TW_NAME_OK);
    addresses(name);
    tw_dns_name_valid(tw_view_str(name), true, true);
    tw_cert_email_match(&c, name);
    return 0;
}
