// SPDX-License-Identifier: Apache-2.0

import Definition

/// The template from which Incus writes one file of cloud-init's NoCloud seed out of an instance's configuration.
struct CloudInitTemplate {
    /// The template's text.
    let text: String
    /// What it looks up.
    let properties: [String: String]

    private static let emptyDocument = "#cloud-config\n{}"
    private static let network = """
        version: 1
        config:
          - type: physical
            name: {% if instance.type == "virtual-machine" %}enp5s0{% else %}eth0{% endif %}
            subnets:
              - type: dhcp
                control: auto
        """

    /// nil for a file that cloud-init does not know.
    init?(_ item: FileItem) {
        switch item.name {
        case "user-data", "vendor-data":
            // The newer key wins; the older one is what images were configured with before.
            text = """
                {% if config_get("cloud-init.\(item.name)", properties.default) != properties.default %}\
                {{ config_get("cloud-init.\(item.name)", properties.default) }}\
                {% else %}{{ config_get("user.\(item.name)", properties.default) }}{% endif %}

                """
            let standard = ["default": item.content.isEmpty ? Self.emptyDocument : item.content.text]
            properties = item.properties.isEmpty ? standard : item.properties
        case "meta-data":
            text = """
                instance-id: {{ container.name }}
                local-hostname: {{ container.name }}
                {{ config_get("user.meta-data", "") }}

                """
            properties = item.properties
        case "network-config":
            let standard = item.content.isEmpty ? Self.network : item.content.text
            text = """
                {% if config_get("cloud-init.network-config", "") != "" %}\
                {{ config_get("cloud-init.network-config", "") }}\
                {% elif config_get("user.network-config", "") != "" %}{{ config_get("user.network-config", "") }}\
                {% else %}\(standard)
                {% endif %}

                """
            properties = item.properties
        default:
            return nil
        }
    }
}
