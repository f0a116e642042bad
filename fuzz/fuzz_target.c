/*
 * What a user types or pastes: targets and URLs, times, option values. Promises: a target that is
 * taken has a host and a port, and nothing that could break a request line or a terminal; one that
 * is refused has a reason.
 */
#include "net/net.h"
#include "probe/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

static void check_printable(const char *s, bool ascii)
{
    for (; *s != '\0'; s++)
        check((unsigned char)*s > ' ' && *s != 127 && (!ascii || (unsigned char)*s < 128));
}

static void target(const char *s)
{
    struct tw_target t;
    const char *why = NULL;
    if (!tw_target_parse(s, &t, &why)) {
        check(why != NULL && why[0] != '\0');
        return;
    }
    check(t.host[0] != '\0' && t.port >= 1 && t.port <= 65535 && t.path[0] == '/');
    check_printable(t.host, true);
    check_printable(t.path, true);
    check_printable(t.scheme, true);
    struct tw_addr a;
    check(!t.is_ip || tw_addr_parse(t.host, t.port, &a));
}

static void option(const char *name, const char *value)
{
    const char *why = NULL;
    struct tw_options *o = tw_options_new();
    if (o != NULL && tw_options_set(o, NULL, name, value, &why) != 0)
        check(why != NULL && why[0] != '\0');
    tw_options_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"alpn", "ciphers", "groups", "sigalgs", "at", "timeout",
                                        "min-version", "connect", "servername",
                                        "max-connections", "ca-pem", "verify-name"};
    if (size < 1)
        return 0;
    char *s = malloc(size);
    if (s == NULL)
        return 0;
    memcpy(s, data + 1, size - 1);
    s[size - 1] = '\0';
    int64_t at;
    target(s);
    option(names[data[0] % TW_ARRAY_LEN(names)], s);
    (void)!tw_time_parse(s, &at);
    free(s);
    return 0;
}
