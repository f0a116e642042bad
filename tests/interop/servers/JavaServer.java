/* A TLS server on JSSE, for the interop tests. */
import java.io.*;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import javax.net.ssl.*;

public class JavaServer {
    /* PORT KEYSTORE PASSWORD PROTOCOLS CIPHERS none|want|need ALPN CA; lists with commas, "" = default */
    public static void main(String[] a) throws Exception {
        KeyStore ks = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(a[1])) {
            ks.load(in, a[2].toCharArray());
        }
        KeyManagerFactory kmf = KeyManagerFactory.getInstance("SunX509");
        kmf.init(ks, a[2].toCharArray());
        TrustManager[] trust = null;
        if (!a[7].isEmpty()) {
            KeyStore ts = KeyStore.getInstance("PKCS12");
            ts.load(null, null);
            try (InputStream in = new FileInputStream(a[7])) {
                ts.setCertificateEntry("ca",
                    CertificateFactory.getInstance("X.509").generateCertificate(in));
            }
            TrustManagerFactory tmf = TrustManagerFactory.getInstance("PKIX");
            tmf.init(ts);
            trust = tmf.getTrustManagers();
        }
        SSLContext ctx = SSLContext.getInstance("TLS");
        ctx.init(kmf.getKeyManagers(), trust, null);
        SSLServerSocket listener = (SSLServerSocket) ctx.getServerSocketFactory().createServerSocket(
            Integer.parseInt(a[0]), 50, InetAddress.getByName("127.0.0.1"));
        SSLParameters p = listener.getSSLParameters();
        if (!a[3].isEmpty())
            p.setProtocols(a[3].split(","));
        p.setCipherSuites(a[4].isEmpty() ? ciphers(listener) : a[4].split(","));
        if (a[5].equals("need"))
            p.setNeedClientAuth(true);
        else if (a[5].equals("want"))
            p.setWantClientAuth(true);
        if (!a[6].isEmpty())
            p.setApplicationProtocols(a[6].split(","));
        listener.setSSLParameters(p);
        for (;;) {
            SSLSocket s = (SSLSocket) listener.accept();
            Thread t = new Thread(() -> serve(s));
            t.setDaemon(true);
            t.start();
        }
    }

    /* Everything that authenticates the server. */
    private static String[] ciphers(SSLServerSocket s) {
        return Arrays.stream(s.getSupportedCipherSuites())
            .filter(c -> !c.contains("anon") && !c.contains("NULL")).toArray(String[]::new);
    }

    private static void serve(SSLSocket s) {
        try (s) {
            s.setSoTimeout(10000);
            BufferedReader in = new BufferedReader(
                new InputStreamReader(s.getInputStream(), StandardCharsets.US_ASCII));
            if (in.readLine() != null) {
                s.getOutputStream().write(
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                        .getBytes(StandardCharsets.US_ASCII));
                s.getOutputStream().flush();
            }
        } catch (IOException e) {
            System.err.println(e);
        }
    }
}
