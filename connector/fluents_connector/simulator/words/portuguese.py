"""What is said in Portuguese: a lender reminds of an unpaid bill."""

from __future__ import annotations

from fluents_connector.simulator.words.parts import Business, Exchange, Language, Outcome, Task

PORTUGUESE = Language(
    code="pt",
    phone=("+551195555", 4),
    money="R$ {},{:02}",
    names=("João", "Conceição", "Antônio", "Márcia", "Thaís"),
    agents=("Bia", "Caio"),
    days=("segunda-feira", "quarta", "sexta", "dia 14", "amanhã"),
    times=("nove e quinze", "meio-dia", "duas e meia", "sete da noite"),
    streets=("Rua São João, 12, apto 31", "Avenida Paulista, 480", "Travessa da Conceição, 7"),
    hesitations=("Hum... ", "Então... ", "Olha... ", "Peraí. "),
    acknowledgements=("Certo.", "Perfeito.", "Obrigada, {name}.", "Combinado 👍"),
    confirmations=("Isso.", "Está certo.", "Sim, correto."),
    asides=(
        Exchange(
            ("Como é? Pode repetir?", "A ligação está péssima."),
            ("Claro: {day}, às {time}.", "Desculpe, eu disse {amount} até {day}."),
        ),
        Exchange(
            ("Você é gente ou máquina?", "Isso é gravação?"),
            ("Sou {agent}, assistente virtual da {company}.", "Sou uma IA, mas posso ajudar."),
        ),
        Exchange(
            ("Me manda por WhatsApp?", "Manda o boleto por e-mail?"),
            ("Envio em {minutes} minutos.", "Já estou enviando. 📲"),
        ),
    ),
    transfer=("Vou transferir para um atendente. Aguarde na linha.",),
    nobody_free=("Todos estão ocupados. Ligamos de volta em {minutes} minutos.",),
    machine=("Oi, aqui é {name}. Não posso atender, deixe seu recado após o sinal.",),
)

COLLECTION = Business(
    kind="payment_reminder",
    language=PORTUGUESE,
    companies=("Crédito Já", "Luz & Água São Bento"),
    amounts=(60, 900),
    items=("conta de luz", "fatura do cartão", "conta de água"),
    inbound=(),
    reasons=(),
    outbound=(
        "Bom dia, aqui é {agent}, da {company}. Eu falo com {name}?",
        "Olá, sou {agent}, da {company}, sobre a sua {item}.",
    ),
    identity=("É ele.", "Sim, quem é?", "Não, ligou errado.", "Pois não?"),
    steps=(
        Exchange(
            ("Pode confirmar o seu endereço?",), ("{street}.", "Não passo isso por telefone.")
        ),
        Exchange(("O telefone para contato é este mesmo?",), ("Isso mesmo.", "É, mas só à noite.")),
        Exchange(
            ("Consta {amount} em aberto na {item}.", "A {item} venceu {day}: {amount}."),
            ("Já paguei isso!", "Eu sei, perdi o emprego.", "Nossa, esqueci completamente."),
        ),
        Exchange(
            ("Prefere pagar à vista ou parcelar?", "Posso dividir em três vezes?"),
            ("Parcelar, por favor.", "Recebo {day}, pode ser?", "Pago agora no Pix."),
        ),
    ),
    asides=(
        Exchange(("Meu nome já está sujo?",), ("Não, se pagar até {day}.",)),
        Exchange(("Tem juros em cima?",), ("São {amount} de multa, posso tirar uma vez.",)),
        Exchange(("Quem passou meu número?",), ("Está no seu cadastro.",)),
        Exchange(("Para de me ligar, por favor.",), ("Anotado, não ligaremos mais.",)),
    ),
    read_back="Confirmando:\n- {item}: {amount}\n- primeira parcela {day}\nEstá certo, {name}?",
    closing=Exchange(
        ("Obrigada, {name}. Tenha um bom dia!", "Combinado, até {day}."),
        ("Tá bom, tchau.", "Obrigado você.", "Valeu! 🙏"),
    ),
    voicemail=("Recado para {name}: ligue para a {company}, por favor.",),
    tasks=(
        Task(
            "consultar_saldo",
            {"conta": "{number}"},
            {"valor": "{amount}", "vencida": True},
        ),
    ),
    outcomes=(
        Outcome(
            "promessa_de_pagamento", "{name} reconhece {amount} da {item} e promete pagar {day}."
        ),
        Outcome("parcelado", "{amount} em três vezes, primeira parcela {day}."),
        Outcome("contestado", "Diz que já pagou a {item}. Enviar comprovante. 🤔"),
        Outcome("número_errado", "O número não é mais de {name}."),
    ),
)
