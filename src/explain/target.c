/*
 * Which peer is the paste about? Names and addresses stand in URLs and in the phrases of clients
 * and logs; the one nearest to the message wins, manuals and issue trackers are passed over.
 */
#include "explain/explain_internal.h"

#include <strings.h>

enum { FAR_OFF = 20000 };

/* What comes right before a host. rank: lower is the surer sign. */
static const struct phrase {
    const char *before;
    int rank;
} phrases[] = {
    {"://", 1},
    {"HTTPSConnectionPool(host='", 0},
    {"host='", 1},
    {"host: \"", 1},
    {"host=\"", 1},
    {"host: '", 1},
    {"host\": \"", 1},
    {"host\":\"", 1},
    {"hostname: '", 1},
    {"validate certificate for ", 1},
    {"-connect ", 0},
    {"connect to ", 1},
    {"connection to ", 1},
    {"connecting to ", 1},
    {"Failed to connect to ", 0},
    {"SSL_connect error to ", 0},
    {"TLS handshake with ", 1},
    {"dial tcp ", 2},
    {"lookup ", 1},
    {"relay=", 1},
    {"TLS connection established to ", 1},
    {"Verified TLS connection established to ", 1},
    {"server certificate verification failed for ", 1},
    {"certificate verification failed for ", 1},
    {"Could not resolve host: ", 0},
    {"resolve host '", 0},
    {"getaddrinfo ENOTFOUND ", 0},
    {"connect ECONNREFUSED ", 1},
    {"connect ETIMEDOUT ", 1},
    {"upstream: \"https://", 0},
    {"upstream: \"grpcs://", 0},
    {"does not match target host name '", 0},
    {"no alternative certificate subject name matches target host name '", 0},
    {"No name matching ", 0},
    {"No subject alternative DNS name matching ", 0},
    {"doesn't match '", 1},
    {"not valid for '", 1},
    {"server: ", 3},
    {"Host: ", 1},
};

/* Sites that error texts and reports point at, never the peer. */
static const char *const manuals[] = {
    "curl.se", "curl.haxx.se", "docs.", "github.com/golang", "nodejs.org", "aka.ms",
    "learn.microsoft", "go.microsoft", "stackoverflow.com", "openssl.org", "www.openssl.org",
    "nginx.org", "urllib3.readthedocs", "readthedocs", "support.", "wiki.", "schemas.",
    "www.w3.org", "bugs.", "go.dev", "pkg.go.dev",
    "letsencrypt.org/docs", "mozilla.org", "nodesource", "help.", "errors.edgesuite",
};

static const struct {
    unsigned port;
    const char *scheme;
} upgrades[] = {{25, "smtp"}, {587, "submission"}, {143, "imap"}, {110, "pop3"}, {389, "ldap"},
                {21, "ftp"}, {5432, "postgres"}, {3306, "mysql"}, {1433, "mssql"}, {3389, "rdp"}};

static bool host_char(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_manual(struct tw_view t, size_t at)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(manuals); i++) {
        size_t n = strlen(manuals[i]);
        if (at + n <= t.len && strncasecmp((const char *)t.data + at, manuals[i], n) == 0)
            return true;
    }
    return false;
}

static unsigned number_at(struct tw_view t, size_t at)
{
    unsigned v = 0;
    for (size_t i = at; i < t.len && i < at + 5 && t.data[i] >= '0' && t.data[i] <= '9'; i++)
        v = v * 10 + (unsigned)(t.data[i] - '0');
    return v <= 65535 ? v : 0;
}

/* ":443", " port 443", ", port=443", "[192.0.2.1]:25" behind a host. */
static unsigned port_behind(struct tw_view t, size_t at)
{
    static const char *const forms[] = {":", " port ", ", port=", "', port=", "', port: ",
                                        "\", port: ", "\",\"port\":", "\", \"port\": ",
                                        "\", port=",
                                        " (", " on port ", ", port "};
    if (at < t.len && t.data[at] == '[') {
        while (at < t.len && t.data[at] != ']' && t.data[at] != '\n')
            at++;
        at += at < t.len;
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(forms); i++) {
        size_t n = strlen(forms[i]);
        if (at + n < t.len && memcmp(t.data + at, forms[i], n) == 0) {
            unsigned port = number_at(t, at + n);
            if (port != 0)
                return port;
        }
    }
    return 0;
}

/* Scheme before "://", where pos is at the colon. */
static void scheme_before(struct tw_view t, size_t colon, char *out, size_t cap)
{
    size_t from = colon;
    while (from > 0 && colon - from < cap - 1 &&
           ((t.data[from - 1] >= 'a' && t.data[from - 1] <= 'z') ||
            (from < colon && t.data[from - 1] >= '0' && t.data[from - 1] <= '9')))
        from--;
    memcpy(out, t.data + from, colon - from);
    out[colon - from] = '\0';
}

static bool has_dot_or_known(const char *host, unsigned port)
{
    return strchr(host, '.') != NULL || strcmp(host, "localhost") == 0 || port != 0;
}

static bool take_host(struct tw_view t, size_t at, bool url, struct tw_paste_target *out)
{
    static const char *const words[] = {"server", "the", "host", "remote", "peer", "port", "tcp",
                                        "to", "a", "an", "this", "upstream", "database", "socket",
                                        "api", "0.0.0.0", "_"};
    size_t n = 0;
    if (url) { /* user and password go */
        size_t end = at;
        while (end < t.len && t.data[end] > ' ' && strchr("/?#'\"<>)", t.data[end]) == NULL)
            end++;
        for (size_t i = at; i < end; i++)
            if (t.data[i] == '@')
                at = i + 1;
    }
    if (is_manual(t, at))
        return false;
    while (at + n < t.len && host_char(t.data[at + n]) && n < sizeof out->host - 1)
        n++;
    size_t used = n;
    while (n > 0 && (t.data[at + n - 1] == '.' || t.data[at + n - 1] == '-'))
        n--;
    if (n < 2 || t.data[at] == '.' || t.data[at] == '-')
        return false;
    memcpy(out->host, t.data + at, n);
    out->host[n] = '\0';
    out->port = used == n ? port_behind(t, at + n) : 0;
    for (size_t i = 0; i < TW_ARRAY_LEN(words); i++)
        if (strcasecmp(out->host, words[i]) == 0)
            return false;
    return url || has_dot_or_known(out->host, out->port);
}

static void name_scheme(struct tw_paste_target *t)
{
    static const char *const known[] = {"smtp", "submission", "lmtp", "imap", "pop3", "ftp", "ldap",
                                        "postgres", "mysql", "mssql", "rdp", "smtps", "imaps",
                                        "pop3s",
                                        "ldaps", "ftps", "amqps", "mqtts", "rediss", "wss"};
    if (strcmp(t->scheme, "postgresql") == 0)
        tw_copy_str(t->scheme, sizeof t->scheme, "postgres");
    bool is_known = false;
    for (size_t i = 0; i < TW_ARRAY_LEN(known); i++)
        is_known = is_known || strcmp(t->scheme, known[i]) == 0;
    if (!is_known)
        t->scheme[0] = '\0';
    for (size_t i = 0; i < TW_ARRAY_LEN(upgrades); i++)
        if (t->scheme[0] == '\0' && t->port == upgrades[i].port)
            tw_copy_str(t->scheme, sizeof t->scheme, upgrades[i].scheme);
}

void tw_paste_find_target(struct tw_view text, size_t near, struct tw_paste_target *out)
{
    size_t from = near > FAR_OFF ? near - FAR_OFF : 0;
    size_t to = near + FAR_OFF < text.len ? near + FAR_OFF : text.len;
    size_t best = SIZE_MAX;
    *out = (struct tw_paste_target){0};
    for (size_t i = from; i < to; i++)
        for (size_t p = 0; p < TW_ARRAY_LEN(phrases); p++) {
            size_t n = strlen(phrases[p].before);
            if (text.data[i] != (uint8_t)phrases[p].before[0] || i + n > to ||
                memcmp(text.data + i, phrases[p].before, n) != 0)
                continue;
            bool url = phrases[p].before[n - 1] == '/';
            struct tw_paste_target found = {0};
            size_t away = (i > near ? i - near : near - i) + (size_t)phrases[p].rank * 200;
            if (away >= best || !take_host(text, i + n, url, &found))
                continue;
            if (url)
                scheme_before(text, i + n - 3, found.scheme, sizeof found.scheme);
            best = away;
            *out = found;
        }
    name_scheme(out);
}
