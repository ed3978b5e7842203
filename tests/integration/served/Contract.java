// A client of the journey contract on what Java itself brings: HttpClient, HttpURLConnection, WebSocket, Mac.
// Each call is told as a line: its name, the status and the body in base64.

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Iterator;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Contract {
    static final String PERSON = "ada+java@mail.example";
    static String base;
    static String app;
    static String secret;
    static final HttpClient client = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws Exception {
        base = arguments[0];
        app = arguments[1];
        secret = arguments[2];
        String query = "?ViewId=java&PersonId=" + encode(PERSON);
        String filter = encode("person eq '" + PERSON + "' and source eq 'java'");
        tell("post", post(0));
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        String streams = base + "/v1/journey/streams/" + encode(PERSON);
        HttpResponse<Stream<String>> stream = client.send(
            request(streams, "stream", "r").header("Accept", "text/event-stream").build(), BodyHandlers.ofLines());
        WebSocket socket = client.newWebSocketBuilder()
            .header("Authorization", sign("stream", "r"))
            .buildAsync(URI.create(streams.replaceFirst("http", "ws")), listener(heard)).get(20, TimeUnit.SECONDS);
        tell("ping", 101, heard.poll(20, TimeUnit.SECONDS));
        tell("post", post(1));
        Iterator<String> lines = stream.body().iterator();
        String line = "";
        while (!line.startsWith("data:")) line = lines.next();
        tell("stream", stream.statusCode(), line.substring(5));
        tell("socket", 101, heard.poll(20, TimeUnit.SECONDS));
        socket.abort();
        String template = "{\"id\": \"java\", \"attributes\": [{\"version\": \"0.1\", \"event\": \"cart\", \"metadata\": \"price\","
            + "\"metadataType\": \"integer\", \"limit\": 10, \"displayName\": \"Worth\", \"lookbackDurationType\": \"days\","
            + "\"lookbackPeriod\": 1, \"aggregationMode\": \"Sum\", \"verbose\": false}]}";
        tell("template", send("POST", "/v1/journey/views/templates", "profile", "w", template));
        tell("build", send("POST", "/v1/journey/views" + query, "profile", "w", null));
        tell("view", send("GET", "/v1/journey/views" + query, "profile", "r", null));
        tell("tape", send("GET", "/v1/journey/events?$filter=".replace("$", "%24") + filter, "tape", "r", null));
        tell("aliases", send("POST", "/v1/journey/identities/" + encode(PERSON) + "/aliases", "idmt", "w",
            "{\"aliases\": [\"J-1\", \"J-2\"]}"));
        tell("fewer", send("DELETE", "/v1/journey/identities/J-1/aliases", "idmt", "w", "{\"aliases\": [\"J-2\"]}"));
        tell("refused", send("GET", "/v1/journey/events", "ds", "w", null));
        tell("bad", send("POST", "/v1/journey/events", "ds", "w", "{\"type\": \"x\"}"));
        old("/v1/journey/identities/J-1");
        System.exit(0);
    }

    static HttpResponse<String> post(int number) throws Exception {
        String event = "{\"specVersion\": \"1.0\", \"id\": \"" + UUID.randomUUID() + "\", \"source\": \"java\", \"type\": \"cart\","
            + "\"person\": \"" + PERSON + "\", \"time\": \"" + Instant.now() + "\", \"dataContentType\": \"application/json\","
            + "\"data\": \"{\\\"price\\\": 40, \\\"number\\\": " + number + "}\"}";
        return send("POST", "/v1/journey/events", "ds", "w", event);
    }

    static HttpResponse<String> send(String method, String path, String service, String permission, String body)
            throws Exception {
        HttpRequest.Builder request = request(base + path, service, permission);
        if (body != null) request.header("Content-Type", "application/json; charset=utf-8");
        request.method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        return client.send(request.build(), BodyHandlers.ofString());
    }

    static HttpRequest.Builder request(String address, String service, String permission) throws Exception {
        return HttpRequest.newBuilder(URI.create(address)).header("Authorization", sign(service, permission));
    }

    /** As clients of the older kind ask, with the headers that it adds by itself. */
    static void old(String path) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(base + path).openConnection();
        connection.setRequestProperty("Authorization", sign("idmt", "r"));
        tell("old", connection.getResponseCode(),
            new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }

    static String sign(String service, String permission) throws Exception {
        Instant until = Instant.now().plus(1, ChronoUnit.HOURS).truncatedTo(ChronoUnit.MILLIS);
        String text = "so=acme&sn=sandbox&ss=" + service + "&sp=" + permission + "&se=" + until + "&sk=" + app;
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        byte[] signature = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        return "SharedAccessSignature " + text + "&sig=" + encode(Base64.getEncoder().encodeToString(signature));
    }

    static WebSocket.Listener listener(BlockingQueue<String> heard) {
        StringBuilder message = new StringBuilder();
        return new WebSocket.Listener() {
            @Override
            public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLast) {
                message.append(part);
                if (isLast) {
                    heard.add(message.toString());
                    message.setLength(0);
                }
                socket.request(1);
                return null;
            }
        };
    }

    static void tell(String name, HttpResponse<String> answer) throws IOException {
        tell(name, answer.statusCode(), answer.body());
    }

    static void tell(String name, int status, String body) {
        byte[] bytes = String.valueOf(body).getBytes(StandardCharsets.UTF_8);
        System.out.println(name + " " + status + " " + Base64.getEncoder().encodeToString(bytes));
    }

    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
