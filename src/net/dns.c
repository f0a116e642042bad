/* A DNS question with its whole answer, through the resolver that c-ares knows. */
#include "net/net.h"
#include "net/net_internal.h"

#include <ares.h>
#include <arpa/nameser.h>

struct question {
    struct tw_net *net;
    struct tw_timer *deadline;
    tw_dns_fn *cb;
    void *user;
    bool done;
};

static void answer(struct question *q, int status, struct tw_view message)
{
    if (q->done)
        return;
    q->done = true;
    tw_timer_stop(q->deadline);
    q->deadline = NULL;
    q->cb(q->user, status, status == ARES_SUCCESS ? NULL : ares_strerror(status), message);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct question *q = arg;
    tw_resolver_one_less(q->net);
    answer(q, status, bytes == NULL || len <= 0 ? tw_view_of(NULL, 0)
                                                : tw_view_of(bytes, (size_t)len));
    free(q);
}

static void on_deadline(void *user)
{
    answer(user, ARES_ETIMEOUT, tw_view_of(NULL, 0));
}

/* RFC 6840 5.7: with AD in the question a resolver tells whether it validated the answer. */
static bool send_question(struct question *q, const char *name, int type)
{
    enum { AD = 0x20, UDP_SIZE = 1232 };
    ares_channel channel = tw_resolver_channel(q->net);
    unsigned char *bytes = NULL;
    int len = 0;
    if (channel == NULL ||
        ares_create_query(name, ns_c_in, type, 0, 1, &bytes, &len, UDP_SIZE) != ARES_SUCCESS)
        return false;
    if (len > 3)
        bytes[3] |= AD;
    tw_resolver_one_more(q->net);
    ares_send(channel, bytes, len, on_answer, q);
    ares_free_string(bytes);
    return true;
}

bool tw_dns_ask(struct tw_net *n, const char *name, int type, uint64_t timeout_ms, tw_dns_fn *cb,
                void *user)
{
    struct question *q = calloc(1, sizeof *q);
    if (q == NULL)
        return false;
    *q = (struct question){.net = n, .cb = cb, .user = user};
    q->deadline = tw_timer_start(n, timeout_ms, 0, on_deadline, q);
    if (q->deadline == NULL || !send_question(q, name, type)) {
        tw_timer_stop(q->deadline);
        free(q);
        return false;
    }
    return true;
}
