/**
 * How conversations are written for models whose files do not say it, by the `model_type` of config.json: what their published code
 * does, as chat templates of Jinja's. A chat template or `prompt_template` of the files comes first.
 */
export const publishedTemplates: Readonly<Record<string, string>> = {
  // `mplug_owl2` of mplug_owl2/conversation.py; with a system message, `v1`. The answer's blank is learned with it.
  mplug_owl2: [
    "{{ bos_token }}",
    "{% for message in messages %}",
    "{% if message.role == 'user' %}{{ 'USER: ' }}{% endif %}",
    "{% if message.role == 'assistant' %}",
    "{{ 'ASSISTANT:' }}{% generation %}{{ ' ' + message.content + eos_token }}{% endgeneration %}",
    "{% elif message.content is string %}{{ message.content + ' ' }}",
    "{% else %}",
    "{% for part in message.content %}",
    "{% if part.type == 'image' %}{{ '<|image|>' }}{% else %}{{ part.text }}{% endif %}",
    "{% endfor %}{{ ' ' }}",
    "{% endif %}",
    "{% endfor %}",
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}",
  ].join(""),
};
