// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

@Suite struct TemplateTests {
    private static func render(_ text: String, _ overrides: [String] = []) throws(RootcellarError) -> String {
        try Samples.load(Samples.complete, overrides).definition.render(
            SourceText(text, at: SourcePosition(file: "t", line: 10, column: 5))
        )
    }

    static let renderings: [(template: String, text: String)] = [
        ("", ""),
        ("plain { { % } text", "plain { { % } text"),
        ("{{ image.distribution }}", "demo"),
        ("{{image.distribution}}{{ image.variant }}", "demotiny"),
        ("[{{ image.nothing }}{{ nothing.at.all }}]", "[]"),
        ("{{ image.distribution|capfirst }} {{ image.variant | upper }} {{ \"ABC\"|lower }}", "Demo TINY abc"),
        ("{{ image.none|default:\"x\" }}{{ image.variant|default:'x' }}", "xtiny"),
        ("{{ image.none|default:image.variant|capfirst }}", "Tiny"),
        ("{{ \"élan\"|capfirst }}", "Élan"),
        (
            "{{ targets.type }} {{ targets.incus.vm.filesystem }} {{ targets.lxd.vm.size }}",
            "container btrfs 8589934592"
        ),
        ("{{ source.keys.0 }} {{ packages.update }}", "0x0123 True"),
        (
            "{{ image.architecture }} {{ image.architecture_mapped }} {{ image.architecture_kernel }}",
            "arm64 aarch64 aarch64"
        ),
        ("{% if image.release == \"3.10\" %}yes{% else %}no{% endif %}", "yes"),
        ("{% if image.release == 310 %}yes{% else %}no{% endif %}", "no"),
        ("{% if image.variant != \"tiny\" %}a{% elif image.release == \"3.10\" %}b{% else %}c{% endif %}", "b"),
        ("{% if image.none %}a{% elif not image.variant %}b{% else %}c{% endif %}", "c"),
        ("{% if image.variant and not image.none %}a{% endif %}", "a"),
        ("{% if image.none or image.variant == \"tiny\" and image.none %}a{% endif %}.", "."),
        ("{% if (image.none or image.variant) and true %}a{% endif %}", "a"),
        ("{% if image.none == \"\" && !image.none || false %}a{% endif %}", "a"),
        ("{% if image.variant == \"tiny\" %}{% if image.none %}x{% else %}y{% endif %}{% endif %}", "y"),
        ("{% if not not image.variant %}a{% endif %}", "a"),
        ("a {# nothing {{ here }} #}b", "a b"),
        ("a  {{- image.variant -}}  b", "atinyb"),
        ("a\n{%- if true -%}\n b \n{%- endif -%}\n c", "abc"),
        ("{{ \"}}\" }}", "}}"),
        ("{{ image.description }}", "Demo 3.10"),
        ("{{ \"\\\"q\\\\\" }}", "\"q\\"),
        ("a\r\n{{ image.variant }}\r\n", "a\r\ntiny\r\n"),
        ("{% for k in source.keys %}[{{ k }}]{% endfor %}", "[0x0123][block 3.10\n]"),
        ("{% for k in source.none %}x{% empty %}nothing{% endfor %}", "nothing"),
        (
            "{% for w in \"a b\"|split:\" \" %}{{ forloop.Counter }}{{ w }}{% if not forloop.Last %},{% endif %}{% endfor %}",
            "1a,2b"
        ),
        ("{% for n, v in targets.incus.vm %}{{ n }}={{ v }};{% endfor %}", "filesystem=btrfs;size=8589934592;"),
        ("{% for a in \"xy\" %}{% for b in \"12\" %}{{ a }}{{ b }}{% endfor %}{% endfor %}", "x1x2y1y2"),
        (
            "{% if image.release in \"3.9 3.10\"|split:\" \" %}a{% endif %}{% if \"in\" in image.variant %}b{% endif %}",
            "ab"
        ),
        ("{% if image.variant not in \"default\" %}a{% endif %}{% if \"vm\" in targets.incus %}b{% endif %}", "ab"),
        (
            "{{ image.release|split:\".\"|first }} {{ image.release|split:\".\"|last }} {{ image.release|slice:\":1\" }}",
            "3 10 3"
        ),
        ("{{ \"a,b\"|split:\",\"|join:\"-\" }} {{ source.keys|length }} {{ \"abc\"|length }}", "a-b 2 3"),
        (
            "{{ image.release|cut:\".\" }} {{ \"two words\"|title }} {{ image.variant|add:\"-x\" }} {{ 1|add:2 }}",
            "310 Two Words tiny-x 3"
        ),
        ("{{ \"<&'>\"|escape }} {{ \"<\" }} {{ \"<\"|safe }}", "&lt;&amp;&#39;&gt; < <"),
        ("{{ image.none|default_if_none:\"x\" }}{{ \"\"|default_if_none:\"x\" }}", "x"),
    ]

    @Test(arguments: renderings.indices) func rendersAsDjangoDoes(_ index: Int) throws {
        let row = Self.renderings[index]
        #expect(try Self.render(row.template) == row.text)
    }

    static let refusals: [(template: String, place: String, reason: String)] = [
        ("ab {% for x in y %}", "10:10", "'for' without 'endfor'"),
        ("{% with x = y %}", "10:7", "tag 'with' is not supported"),
        ("{% endfor %}", "10:7", "'endfor' without 'for'"),
        ("{% for x in source.keys %}{% endif %}", "10:33", "'endif' where 'endfor' is due"),
        ("{% if true %}{% endfor %}", "10:20", "'endfor' where 'endif' is due"),
        ("{% for in y %}{% endfor %}", "10:12", "'for' needs a name"),
        ("{% for x of y %}{% endfor %}", "10:14", "'in' is missing"),
        ("{% for x in image.release %}{% empty %}{% empty %}{% endfor %}", "10:46", "'empty' where 'endfor' is due"),
        ("{% for a, b in source.keys %}{% endfor %}", "10:7", "'for' needs a list, or a section for two names"),
        ("{{ image.release|slice:\"x\" }}", "10:22", "filter 'slice' needs a value like '0:2'"),
        ("{{ image.release|split:\"\" }}", "10:22", "filter 'split' needs something to split at"),
        ("a\nb {% include \"/etc/shadow\" %}", "11:9", "tag 'include' is not supported"),
        ("{{ image.variant|rot13 }}", "10:22", "filter 'rot13' is not supported"),
        ("{{ config_get(\"a\", \"b\") }}", "10:8", "calls such as 'config_get(...)' are not supported"),
        ("{{ image.variant", "10:5", "'{{' is never closed"),
        ("x {# y", "10:7", "'{#' is never closed"),
        ("{% if image.variant %}", "10:7", "'if' without 'endif'"),
        ("{% endif %}", "10:7", "'endif' without 'if'"),
        ("{% if true %}{% else %}{% else %}{% endif %}", "10:30", "'else' after 'else'"),
        ("{% if true %}{% else %}{% elif true %}{% endif %}", "10:30", "'elif' after 'else'"),
        ("{% if %}x{% endif %}", "10:11", "a value is missing"),
        ("{% if true %}x{% endif x %}", "10:21", "'endif' takes nothing after it"),
        ("{{ }}", "10:8", "a value is missing"),
        ("{{ image.variant == }}", "10:25", "a value is missing"),
        ("{% if image.release == 3.10 %}{% endif %}", "10:28", "fractions are not supported"),
        ("{{ image. }}", "10:15", "a name is missing"),
        ("{{ image.variant image.release }}", "10:22", "'image' is not supported here"),
        ("{{ image.release > 3 }}", "10:22", "'>' is not supported here"),
        ("{{ (image.release }}", "10:23", "')' is missing"),
        ("{{ \"x }}", "10:5", "'{{' is never closed"),
        ("{{ image.release|default }}", "10:22", "filter 'default' needs a value"),
        ("{{ image.release|lower:3 }}", "10:22", "filter 'lower' takes no value"),
        ("{{ source }}", "10:7", "this is a list or a section"),
        ("{{ source.keys|lower }}", "10:20", "filter 'lower' needs a text"),
    ]

    @Test(arguments: refusals.indices) func refusesTheRestByPlace(_ index: Int) throws {
        let row = Self.refusals[index]
        let error = #expect(throws: RootcellarError.self) { try Self.render(row.template) }
        #expect(error?.errorClass == .definition)
        #expect(error?.subject == "t:\(row.place)")
        #expect(error?.reason.contains(row.reason) == true, "\(String(describing: error))")
    }

    @Test func referencesThatNeverEndAreRefused() throws {
        for name in ["{{ image.name }}", "{{ image.name }}{{ image.name }}", "x{{ image.description }}"] {
            let overrides = ["image.name=\(name)", "image.description={{ image.name }}"]
            let error = try #require(Samples.refusal(Samples.minimal, overrides))
            #expect(error.errorClass == .usage)
            #expect(error.reason.contains("still holds templates after 8 rounds"), "\(error)")
        }
        let wide = String(repeating: "{{ image.name }}", count: 200)
        let error = try #require(Samples.refusal(Samples.minimal, ["image.name=\(wide)"]))
        #expect(error.reason.contains("grows beyond"))
    }

    @Test func nestingIsLimited() throws {
        let deep = [
            String(repeating: "{% if true %}", count: 5000) + String(repeating: "{% endif %}", count: 5000),
            "{{ " + String(repeating: "(", count: 50_000) + "1" + String(repeating: ")", count: 50_000) + " }}",
            "{% if " + String(repeating: "not ", count: 50_000) + "true %}{% endif %}",
            String(repeating: "{% for x in \"ab\" %}", count: 5000) + String(repeating: "{% endfor %}", count: 5000),
        ]
        for text in deep {
            let error = #expect(throws: RootcellarError.self) { try Self.render(text) }
            #expect(error?.reason.contains("nested too deeply") == true)
        }
    }

    @Test func loopsEnd() throws {
        let text =
            String(repeating: "{% for x in \"0123456789\" %}", count: 30) + String(repeating: "{% endfor %}", count: 30)
        let error = #expect(throws: RootcellarError.self) { try Self.render(text) }
        #expect(error?.reason.contains("go on for too long") == true)
    }

    @Test func whatIsNotATemplateStaysAsItIs() throws {
        let script = "#!/bin/sh\necho {{ container.name }} {% if x %} ${#v} \t\r\n"
        let text =
            Samples.minimal + """
                files:
                - generator: template
                  path: /etc/x
                  name: x
                  content: |+
                    {{ container.name }} {% if config_get("a", "b") == "c" %}{% endif %}
                      {#- kept -#}

                actions:
                - trigger: post-files
                  action: "#!/bin/sh\\necho {{ container.name }} {% if x %} ${#v} \\t\\r\\n"
                - trigger: post-files
                  action: |
                    #!/bin/sh
                    {{ image.distribution }}
                  pongo: true

                """
        let (resolved, warnings) = try Samples.load(text)
        #expect(warnings.isEmpty)
        #expect(
            try resolved.files(.build(.container)).map(\.content.text) == [
                "{{ container.name }} {% if config_get(\"a\", \"b\") == \"c\" %}{% endif %}\n  {#- kept -#}\n\n"
            ]
        )
        #expect(
            try resolved.actions(.postFiles, .build(.container)).map(\.action.text) == [script, "#!/bin/sh\ndebian\n"]
        )
    }

    @Test func targetsTypeIsWhatIsBuilt() throws {
        let resolved = try Samples.load(Samples.complete).definition
        #expect(try resolved.render(SourceText("{{ targets.type }}"), for: .vm) == "vm")
    }

    @Test func anyTextRendersOrIsRefused() throws {
        let pieces = [
            "{{", "}}", "{%", "%}", "{#", "#}", "-", " ", "if", "elif", "else", "endif", "image.variant", "image",
            ".", "|", "lower", "default", ":", "\"", "'", "\\", "==", "!=", "and", "or", "not", "(", ")", "é", "\n",
            "\u{301}", "x", "0", "image.name", "{", "}", "%", "for", "in", "endfor", "empty", "source.keys", "join",
            "slice", "\"0:1\"",
        ]
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let resolved = try Samples.load(Samples.complete).definition
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...14, using: &random)
            let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }.joined()
            do throws(RootcellarError) {
                let output = try resolved.render(SourceText(text))
                if !text.contains("{{"), !text.contains("{%"), !text.contains("{#") {
                    #expect(output.utf8.elementsEqual(text.utf8), "seed \(seed): \(text)")
                }
            } catch {
                #expect(error.errorClass == .definition, "seed \(seed): \(text)")
                #expect(!error.reason.isEmpty)
            }
        }
    }
}
