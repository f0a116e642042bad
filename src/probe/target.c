/* HOST, HOST:PORT, [V6]:PORT and URLs to one struct; internationalised names to A-labels. */
#include "probe/probe.h"
#include "net/net.h"

#include <idn2.h>

struct scheme {
    const char *name;
    unsigned port;
    enum tw_app app;
};

/* A well-known port of a protocol with an upgrade to TLS (proxies have no such port). */
static const struct tw_protocol *upgrade_of_port(unsigned port)
{
    const struct tw_protocol *p;
    for (size_t i = 0; (p = tw_protocol_at(i)) != NULL; i++)
        if (!tw_protocol_is_proxy(p) && tw_protocol_port(p) == port)
            return p;
    return NULL;
}

/* Schemes and their registered implicit-TLS ports (IANA service names). */
static const struct scheme schemes[] = {
    {"https", 443, TW_APP_HTTP},   {"wss", 443, TW_APP_HTTP},    {"smtps", 465, TW_APP_OTHER},
    {"submissions", 465, TW_APP_OTHER}, {"imaps", 993, TW_APP_OTHER},
    {"pop3s", 995, TW_APP_OTHER},  {"ldaps", 636, TW_APP_OTHER}, {"ftps", 990, TW_APP_OTHER},
    {"nntps", 563, TW_APP_OTHER},  {"ircs", 6697, TW_APP_OTHER}, {"sips", 5061, TW_APP_OTHER},
    {"xmpps", 5223, TW_APP_OTHER}, {"mqtts", 8883, TW_APP_OTHER}, {"amqps", 5671, TW_APP_OTHER},
    {"rediss", 6379, TW_APP_OTHER}, {"telnets", 992, TW_APP_OTHER}, {"dot", 853, TW_APP_OTHER},
    {"tls", 443, TW_APP_OTHER},
};

static const struct scheme *scheme_by_name(const char *name)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(schemes); i++)
        if (tw_view_ieq(tw_view_str(name), schemes[i].name))
            return &schemes[i];
    return NULL;
}

/* A port that is known for something else than HTTP: wait for that server, do not send HTTP. */
static enum tw_app app_of_port(unsigned port)
{
    static const unsigned cleartext[] = {21, 22, 25, 110, 119, 143, 389, 587, 3306, 5432, 1433,
                                         3389, 5222, 5269, 27017, 11211};
    for (size_t i = 0; i < TW_ARRAY_LEN(cleartext); i++)
        if (cleartext[i] == port)
            return TW_APP_OTHER;
    for (size_t i = 0; i < TW_ARRAY_LEN(schemes); i++)
        if (schemes[i].port == port)
            return schemes[i].app;
    return TW_APP_HTTP;
}

static bool parse_port(const char *s, size_t n, unsigned *port)
{
    unsigned v = 0;
    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s[i] - '0');
    }
    *port = v;
    return v >= 1 && v <= 65535;
}

/* RFC 1035 2.3.4, with or without the root's dot. */
static bool has_good_labels(const char *name)
{
    for (;;) {
        size_t n = strcspn(name, ".");
        if (n == 0 || n > 63)
            return false;
        name += n;
        if (name[0] == '\0' || name[1] == '\0')
            return true;
        name++;
    }
}

static bool set_host(const char *s, size_t n, struct tw_target *t, const char **why)
{
    char raw[512];
    if (n == 0 || n >= sizeof raw) {
        *why = n == 0 ? "no host name in it" : "the host name is too long";
        return false;
    }
    memcpy(raw, s, n);
    raw[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)raw[i] <= ' ' || raw[i] == 127 || strchr("/\\?#@<>\"", raw[i]) != NULL) {
            *why = "the host name has a character that names cannot have";
            return false;
        }
    }
    struct tw_addr a;
    if (tw_addr_parse(raw, 1, &a)) {
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)raw[i] >= 128) { /* in the zone behind % */
                *why = "the address has a character that addresses cannot have";
                return false;
            }
        t->is_ip = true;
        return tw_copy_str(t->host, sizeof t->host, raw);
    }
    return tw_name_to_ascii(raw, t->host, sizeof t->host, why);
}

bool tw_name_to_ascii(const char *name, char *out, size_t cap, const char **why)
{
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK) /* underscores and the like are no IDNA, but DNS carries them */
        rc = idn2_to_ascii_8z(name, &ascii, IDN2_NO_TR46 | IDN2_NFC_INPUT);
    bool ok = rc == IDN2_OK && tw_copy_str(out, cap, ascii);
    if (!ok)
        *why = rc == IDN2_OK ? "the host name is too long" : idn2_strerror(rc);
    idn2_free(ascii);
    if (ok && !has_good_labels(out)) {
        *why = "a part of the host name between dots is empty or longer than 63 characters";
        return false;
    }
    return ok;
}

bool tw_target_family_ok(const struct tw_target *t, int family, const char **why)
{
    bool v6 = strchr(t->host, ':') != NULL;
    if (!t->is_ip || family == AF_UNSPEC || v6 == (family == AF_INET6))
        return true;
    *why = v6 ? "it is an IPv6 address, and -4 asks for IPv4 only"
              : "it is an IPv4 address, and -6 asks for IPv6 only";
    return false;
}

/* host, host:port, [v6], [v6]:port, bare v6 */
static bool parse_authority(const char *s, size_t n, struct tw_target *t, const char **why)
{
    const char *host = s, *end = s + n, *port = NULL;
    size_t host_len = n;
    if (n > 0 && s[0] == '[') {
        const char *close = memchr(s, ']', n);
        if (close == NULL) {
            *why = "'[' without ']'";
            return false;
        }
        if (memchr(s, ':', (size_t)(close - s)) == NULL) {
            *why = "only an IPv6 address may stand in brackets";
            return false;
        }
        host = s + 1;
        host_len = (size_t)(close - host);
        if (close + 1 < end && close[1] != ':') {
            *why = "only :PORT may follow ']'";
            return false;
        }
        port = close + 1 < end ? close + 2 : NULL;
    } else {
        const char *first = memchr(s, ':', n);
        const char *second = first == NULL ? NULL : memchr(first + 1, ':', (size_t)(end - first - 1));
        if (first != NULL && second == NULL) {
            host_len = (size_t)(first - s);
            port = first + 1;
        }
    }
    if (port != NULL && !parse_port(port, (size_t)(end - port), &t->port)) {
        *why = "the port is not a number from 1 to 65535";
        return false;
    }
    return set_host(host, host_len, t, why);
}

bool tw_target_parse(const char *s, struct tw_target *t, const char **why)
{
    const char *whole = s;
    *t = (struct tw_target){0};
    if (!tw_copy_str(t->input, sizeof t->input, s)) {
        *why = "it is too long";
        return false;
    }
    tw_copy_str(t->path, sizeof t->path, "/");
    tw_copy_str(t->scheme, sizeof t->scheme, "https");
    const char *sep = strstr(s, "://");
    const struct scheme *scheme = NULL;
    bool upgrade = false;
    if (sep != NULL) {
        size_t n = (size_t)(sep - s);
        char name[32];
        if (n == 0 || n >= sizeof name) {
            *why = "the scheme before :// is not known";
            return false;
        }
        memcpy(name, s, n);
        name[n] = '\0';
        scheme = scheme_by_name(name);
        t->starttls = scheme != NULL ? NULL : tw_protocol_by_name(name);
        upgrade = t->starttls != NULL && !tw_protocol_is_proxy(t->starttls);
        if (scheme == NULL && !upgrade) {
            *why = tw_view_ieq(tw_view_str(name), "http")
                       ? "http:// has no TLS; write https:// or just the host"
                       : "the scheme before :// is none that is known to use TLS";
            return false;
        }
        tw_copy_str(t->scheme, sizeof t->scheme,
                    scheme != NULL ? scheme->name : tw_protocol_name(t->starttls));
        s = sep + 3;
    }
    size_t n = strcspn(s, "/?#");
    if (s[n] == '/')
        snprintf(t->path, sizeof t->path, "%.*s", (int)strcspn(s + n, "#"), s + n);
    const char *at = memrchr(s, '@', n); /* user:password@ in a pasted URL is nobody's business: */
    size_t skip = at == NULL ? 0 : (size_t)(at - s) + 1;
    if (skip > 0) /* neither DNS, nor the report, nor a saved trace that is sent around */
        snprintf(t->input, sizeof t->input, "%.*s%s", (int)(s - whole), whole, s + skip);
    if (!parse_authority(s + skip, n - skip, t, why))
        return false;
    t->has_port = t->port != 0 || sep != NULL;
    if (t->port == 0)
        t->port = upgrade ? tw_protocol_port(t->starttls) : scheme != NULL ? scheme->port : 443;
    if (sep == NULL)
        t->starttls = upgrade_of_port(t->port);
    t->app = upgrade ? TW_APP_OTHER : scheme != NULL ? scheme->app : app_of_port(t->port);
    for (const char *p = t->path; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
            tw_copy_str(t->path, sizeof t->path, "/");
    return true;
}
