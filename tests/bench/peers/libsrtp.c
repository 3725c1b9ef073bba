/* libsrtp2 beside the Rust stacks: one packet of RTP, sealed and opened in place. `build.rs` compiles it where the library is.
 *
 * Arguments: the profile (gcm or cm) and the seconds of processor time for each direction. Prints nanoseconds: seal, open. */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PACKET = 1200, BATCH = 512, ROOM = PACKET + SRTP_MAX_TRAILER_LEN };

static double cpu_seconds(void) {
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return at.tv_sec + at.tv_nsec * 1e-9;
}

static void must(srtp_err_status_t status, const char *what) {
    if (status != srtp_err_status_ok) {
        fprintf(stderr, "libsrtp2: %s: %d\n", what, status);
        exit(1);
    }
}

static srtp_t session(int gcm, srtp_ssrc_type_t direction) {
    static unsigned char key[64];
    srtp_policy_t policy;
    srtp_t session;
    memset(&policy, 0, sizeof policy);
    memset(key, 7, sizeof key);
    if (gcm) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    }
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = 1024;
    must(srtp_create(&session, &policy), "keys");
    return session;
}

static void fill(unsigned char *packet, unsigned sequence) {
    static const unsigned char head[12] = {0x80, 96, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7};
    memset(packet, 0x5a, PACKET);
    memcpy(packet, head, sizeof head);
    packet[2] = sequence >> 8;
    packet[3] = sequence;
}

int main(int count, char **arguments) {
    static unsigned char packets[BATCH][ROOM];
    int lengths[BATCH], gcm = count > 1 && strcmp(arguments[1], "gcm") == 0;
    double limit = count > 2 ? atof(arguments[2]) : 1, seal = 0, open = 0;
    unsigned long done = 0;
    must(srtp_init(), "init");
    srtp_t sender = session(gcm, ssrc_any_outbound), receiver = session(gcm, ssrc_any_inbound);
    while (seal + open < 2 * limit) {
        for (int at = 0; at < BATCH; at++) {
            fill(packets[at], done + at);
            lengths[at] = PACKET;
        }
        double begun = cpu_seconds();
        for (int at = 0; at < BATCH; at++) must(srtp_protect(sender, packets[at], &lengths[at]), "seal");
        double between = cpu_seconds();
        for (int at = 0; at < BATCH; at++) must(srtp_unprotect(receiver, packets[at], &lengths[at]), "open");
        seal += between - begun;
        open += cpu_seconds() - between;
        done += BATCH;
    }
    printf("%f %f\n", seal * 1e9 / done, open * 1e9 / done);
    return 0;
}
