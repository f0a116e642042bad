/* TCP on the loop against real sockets on loopback, each step in the order that the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

struct seen {
    struct tw_net *net;
    struct tw_sock *sock;
    int connects, connect_err, ends, end_err;
    char how[8];
    struct tw_buf data;
};

static void on_connected(void *user, int err)
{
    struct seen *s = user;
    s->connects++;
    s->connect_err = err;
    if (err != 0)
        s->sock = NULL;
}

static void on_data(void *user, struct tw_view v)
{
    struct seen *s = user;
    assert_true(tw_buf_add(&s->data, v.data, v.len));
}

static void on_ended(void *user, const char *how, int err)
{
    struct seen *s = user;
    s->ends++;
    s->end_err = err;
    tw_copy_str(s->how, sizeof s->how, how);
    tw_sock_close(s->sock);
    s->sock = NULL;
}

static const struct tw_sock_events events = {on_connected, on_data, on_ended};

static int listen_on_loopback(struct tw_addr *a)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    assert_true(tw_addr_parse("127.0.0.1", ntohs(in.sin_port), a));
    return fd;
}

static void start(struct seen *s, const struct tw_addr *a)
{
    int err = -1;
    *s = (struct seen){.net = tw_net_new()};
    assert_non_null(s->net);
    tw_buf_init(&s->data, 1 << 20);
    s->sock = tw_sock_connect(s->net, a, &events, s, &err);
    assert_non_null(s->sock);
    assert_int_equal(err, 0);
}

static void finish(struct seen *s)
{
    tw_net_run(s->net);
    tw_net_free(s->net);
    tw_buf_cleanup(&s->data);
}

/* The kernel completes the handshake by itself: everything here has happened before we look. */
static void test_reset_before_we_look(void **state)
{
    (void)state;
    struct tw_addr a;
    struct seen s;
    int fd = listen_on_loopback(&a);
    start(&s, &a);
    int peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    struct linger hard = {.l_onoff = 1};
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    close(peer);
    finish(&s);
    assert_int_equal(s.connects, 1);
    assert_int_equal(s.connect_err, 0);
    assert_int_equal(s.ends, 1);
    assert_string_equal(s.how, "rst");
    assert_int_equal(s.end_err, ECONNRESET);
    close(fd);
}

static void test_bytes_then_fin(void **state)
{
    (void)state;
    struct tw_addr a;
    struct seen s;
    int fd = listen_on_loopback(&a);
    start(&s, &a);
    int peer = accept(fd, NULL, NULL);
    assert_int_equal(write(peer, "220 hello\r\n", 11), 11);
    close(peer);
    tw_net_run(s.net);
    assert_int_equal(s.connect_err, 0);
    assert_true(tw_view_eq(tw_buf_view(&s.data), tw_view_str("220 hello\r\n")));
    assert_string_equal(s.how, "fin");
    assert_int_equal(s.end_err, 0);
    finish(&s);
    close(fd);
}

static void test_refused(void **state)
{
    (void)state;
    struct tw_addr a;
    struct seen s;
    int fd = listen_on_loopback(&a), err = 0;
    close(fd); /* the port is known and nobody listens on it */
    s = (struct seen){.net = tw_net_new()};
    assert_non_null(s.net);
    s.sock = tw_sock_connect(s.net, &a, &events, &s, &err);
    finish(&s);
    if (s.connects == 0) /* the system may say so at once */
        s.connect_err = err;
    assert_int_equal(s.connect_err, ECONNREFUSED);
    assert_int_equal(s.ends, 0);
}

static void test_queued_bytes_arrive(void **state)
{
    (void)state;
    struct tw_addr a;
    struct seen s;
    char got[16] = "";
    int fd = listen_on_loopback(&a);
    start(&s, &a);
    assert_true(tw_sock_send(s.sock, tw_view_str("ping"))); /* before it is connected */
    int peer = accept(fd, NULL, NULL);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    finish(&s); /* ends with their FIN, after our bytes went out */
    assert_int_equal(read(peer, got, sizeof got), 4);
    assert_string_equal(got, "ping");
    close(peer);
    close(fd);
}

static void test_closed_socket_takes_nothing(void **state)
{
    (void)state;
    struct tw_addr a;
    struct seen s;
    int fd = listen_on_loopback(&a);
    start(&s, &a);
    struct tw_sock *sock = s.sock;
    tw_sock_close(sock);
    assert_false(tw_sock_send(sock, tw_view_str("late"))); /* freed only when the loop runs */
    tw_sock_close(sock);
    tw_sock_close(NULL);
    finish(&s);
    assert_int_equal(s.connects + s.ends, 0); /* no event follows */
    close(fd);
}

static void test_too_much_is_refused(void **state)
{
    (void)state;
    struct tw_addr a;
    struct seen s;
    static uint8_t much[(1 << 20) + 1];
    int fd = listen_on_loopback(&a);
    start(&s, &a);
    assert_false(tw_sock_send(s.sock, tw_view_of(much, sizeof much)));
    tw_sock_close(s.sock);
    finish(&s);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_before_we_look),
        cmocka_unit_test(test_bytes_then_fin),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_queued_bytes_arrive),
        cmocka_unit_test(test_closed_socket_takes_nothing),
        cmocka_unit_test(test_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
