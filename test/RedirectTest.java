import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where an answer sends its client: to the same place, as the client knows it. */
class RedirectTest {
    private Lab lab;
    private GatewayServer gateway;
    private String backend;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        gateway = lab.gateway();
        // Sends everybody to where its header "Target" says, and puts itself for the word BACKEND.
        backend = lab.backend(e -> {
            String target = e.getRequestHeaders().getFirst("Target").replace("BACKEND", backend);
            e.getResponseHeaders().set("Location", target);
            e.getResponseHeaders().set("Content-Location", target);
            e.getResponseHeaders().set("Refresh", target);
            Lab.answer(e, 302, "moved");
        });
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private String location(String path, String target) throws Exception {
        return location(gateway, path, target);
    }

    private String location(GatewayServer gateway, String path, String target) throws Exception {
        Lab.Answer answer = lab.get(gateway, path, "Target", target);
        assertEquals(302, answer.status());
        assertEquals(answer.header("Location"), answer.header("Content-Location"));
        assertEquals(target.replace("BACKEND", backend), answer.header("Refresh"), "not an address");
        return answer.header("Location").replace(backend, "BACKEND");
    }

    /** The Location that each target comes back as, where that is another one. */
    private List<String> changes(String path, String... targets) throws Exception {
        List<String> changes = new ArrayList<>();
        for (String target : targets) {
            String location = location(path, target);
            if (!location.equals(target)) changes.add(target + " -> " + location);
        }
        return changes;
    }

    @Test
    void putsThePrefixBeforeAPathOfTheBackend() throws Exception {
        lab.register(gateway, "shop", backend, "/api");
        assertEquals("/api/login", location("/api/x", "/login"));
        assertEquals("/api/", location("/api/x", "/"));
        assertEquals("/api/login?next=/api/x#top", location("/api/x", "/login?next=/api/x#top"));
        assertEquals("/api/apis", location("/api/x", "/apis"));
        assertEquals("/api/login?next=http://h/x", location("/api/x", "/login?next=http://h/x"));
        assertEquals("/api/a%2Fb/%20", location("/api/x", "/a%2Fb/%20"));
    }

    @Test
    void leavesAPathThatHasThePrefixAlready() throws Exception {
        lab.register(gateway, "shop", backend, "/api");
        assertEquals(List.of(), changes("/api/x", "/api", "/api/", "/api/login", "/api?x", "/api#x"));
    }

    @Test
    void putsThePrefixInPlaceOfTheBackendsAddress() throws Exception {
        lab.register(gateway, "shop", backend, "/api");
        assertEquals("/api/login", location("/api/x", "BACKEND/login"));
        assertEquals("/api/", location("/api/x", "BACKEND"));
        assertEquals("/api/?x", location("/api/x", "BACKEND?x"));
        assertEquals("/api/login", location("/api/x", backend.substring("http:".length()) + "/login"));
        assertEquals("/api/login", location("/api/x", backend.replace("http", "HTTP") + "/login"));
    }

    @Test
    void leavesWhatPointsElsewhere() throws Exception {
        lab.register(gateway, "shop", backend, "/api");
        assertEquals(List.of(), changes("/api/x", "https://example.com/login", "http://example.com",
            "//example.com/", "BACKEND0/login", "BACKEND.example.com/", "https" + backend.substring(4) + "/",
            "mailto:a@example.com", "login", "../login", "?page=2", "#top", ""));
    }

    @Test
    void takesTheBasePathOff() throws Exception {
        lab.register(gateway, "shop", backend + "/base", "/api");
        assertEquals("/api/login", location("/api/x", "/base/login"));
        assertEquals("/api", location("/api/x", "/base"));
        assertEquals("/api/login", location("/api/x", "BACKEND/base/login"));
        assertEquals(List.of(), changes("/api/x", "/login", "/basement", "/api/login"));
    }

    @Test
    void takesTheBasePathOffAlsoWhereItBeginsLikeThePrefix() throws Exception {
        lab.register(gateway, "shop", backend + "/api/v1", "/api");
        assertEquals("/api/login", location("/api/x", "/api/v1/login"));
        assertEquals("/api/login", location("/api/x", "BACKEND/api/v1/login"));
    }

    @Test
    void leavesPathsOfTheRootAsTheyAre() throws Exception {
        lab.register(gateway, "shop", backend, "/");
        assertEquals(List.of(), changes("/x", "/login", "/", "/a/b?c"));
        assertEquals("/login", location("/x", "BACKEND/login"));
        assertEquals("/", location("/x", "BACKEND"));
    }

    @Test
    void takesTheBasePathOffAtTheRoot() throws Exception {
        lab.register(gateway, "shop", backend + "/base", "/");
        assertEquals("/login", location("/x", "/base/login"));
        assertEquals("/login", location("/x", "BACKEND/base/login"));
        assertEquals("/?x", location("/x", "/base?x"));
        assertEquals("/", location("/x", "/base"));
    }

    @Test
    void leavesEverythingAsItIsWhenToldSo() throws Exception {
        GatewayServer plain = lab.gateway("--rewrite-redirects=false");
        lab.register(plain, "shop", backend, "/api");
        assertEquals("/login", location(plain, "/api/x", "/login"));
        assertEquals("BACKEND/login", location(plain, "/api/x", "BACKEND/login"));
    }

    @Test
    void followsNone() throws Exception {
        lab.register(gateway, "shop", backend, "/api");
        for (int status : List.of(301, 302, 303, 307, 308)) {
            Map<String, Object> data = Lab.data("r" + status, lab.backend(e -> {
                e.getResponseHeaders().set("Location", "/elsewhere");
                Lab.answer(e, status, "moved");
            }), "/r" + status);
            lab.register(gateway, data);
            Lab.Answer answer = lab.get(gateway, "/r" + status + "/x");
            assertEquals(status, answer.status());
            assertEquals("moved", answer.body());
            assertEquals("/r" + status + "/elsewhere", answer.header("Location"));
        }
    }
}
