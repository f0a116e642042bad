// A TLS server on Go's crypto/tls, for the interop tests. Standard library only.
package main

import (
	"bufio"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

var versions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11,
	"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// brokenSigner has the right public key and makes wrong signatures.
type brokenSigner struct{ crypto.Signer }

func (b brokenSigner) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	other := append([]byte(nil), digest...)
	other[0] ^= 1
	return b.Signer.Sign(r, other, o)
}

// Decrypt is there for static RSA key exchange, and right.
func (b brokenSigner) Decrypt(r io.Reader, m []byte, o crypto.DecrypterOpts) ([]byte, error) {
	return b.Signer.(crypto.Decrypter).Decrypt(r, m, o)
}

// load takes certificate and key without asking whether they belong together, which
// tls.LoadX509KeyPair would refuse.
func load(certFile, keyFile string, broken bool) tls.Certificate {
	var c tls.Certificate
	rest := read(certFile)
	for {
		var b *pem.Block
		b, rest = pem.Decode(rest)
		if b == nil {
			break
		}
		c.Certificate = append(c.Certificate, b.Bytes)
	}
	b, _ := pem.Decode(read(keyFile))
	key, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if err != nil {
		log.Fatal(err)
	}
	c.PrivateKey = key
	if broken {
		c.PrivateKey = brokenSigner{key.(crypto.Signer)}
	}
	return c
}

func read(name string) []byte {
	b, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return b
}

func numbers(list string) (out []uint16) {
	for _, s := range strings.Split(list, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.ParseUint(s, 0, 16)
		if err != nil {
			log.Fatal(err)
		}
		out = append(out, uint16(n))
	}
	return out
}

func serve(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		log.Print(err)
		return
	}
	if strings.HasSuffix(line, "HTTP/1.1\r\n") || strings.HasSuffix(line, "HTTP/1.0\r\n") {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	} else {
		fmt.Fprint(c, line)
	}
}

func main() {
	port := flag.Int("port", 0, "")
	cert := flag.String("cert", "", "")
	key := flag.String("key", "", "")
	min := flag.String("min", "1.0", "")
	max := flag.String("max", "1.3", "")
	ciphers := flag.String("ciphers", "", "code points, for TLS 1.2 and below")
	groups := flag.String("groups", "", "code points")
	alpn := flag.String("alpn", "", "")
	auth := flag.String("auth", "", "request, require (any certificate) or verify (by -ca)")
	ca := flag.String("ca", "", "")
	name := flag.String("only-name", "", "refuse every other server name, and none")
	staple := flag.String("staple", "", "OCSP response, DER")
	broken := flag.Bool("broken-signature", false, "")
	fail := flag.Bool("fail-config", false, "GetConfigForClient fails")
	noTickets := flag.Bool("no-tickets", false, "")
	flag.Parse()

	pair := load(*cert, *key, *broken)
	if *staple != "" {
		pair.OCSPStaple = read(*staple)
	}
	cfg := &tls.Config{MinVersion: versions[*min], MaxVersion: versions[*max],
		Certificates: []tls.Certificate{pair}, CipherSuites: numbers(*ciphers),
		SessionTicketsDisabled: *noTickets}
	for _, g := range numbers(*groups) {
		cfg.CurvePreferences = append(cfg.CurvePreferences, tls.CurveID(g))
	}
	if *alpn != "" {
		cfg.NextProtos = strings.Split(*alpn, ",")
	}
	if *ca != "" {
		cfg.ClientCAs = x509.NewCertPool()
		cfg.ClientCAs.AppendCertsFromPEM(read(*ca))
	}
	switch *auth {
	case "request":
		cfg.ClientAuth = tls.RequestClientCert
	case "require":
		cfg.ClientAuth = tls.RequireAnyClientCert
	case "verify":
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if *name != "" {
		cfg.Certificates = nil
		cfg.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName != *name {
				return nil, errors.New("no site of that name: " + h.ServerName)
			}
			return &pair, nil
		}
	}
	if *fail {
		cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return nil, errors.New("the configuration cannot be had")
		}
	}
	l, err := tls.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port), cfg)
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(c)
	}
}
