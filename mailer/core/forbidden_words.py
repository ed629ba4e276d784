"""Words that name what may not be kept here, in French and English. A-025, A-026, A-027.

Lower case, without accents, words by one blank, as `forbidden_data.folded` leaves text. `*`: any ending.
"""

# what a heading, a field or a question of a form is called
NAMES = {
    "nir": """
        nir|nir *|n secu*|no secu*|num secu*|numero secu*|numero de secu*|n de secu*|secu|securite sociale|
        social security|social insurance|ssn|nino|national insurance|carte vitale|insee number|n insee|
        no insee|numero insee|numero d inscription au repertoire|n ss|num ss|numero ss|national id|
        national identification|numero national|registre national|rijksregister*|nir cle
    """,
    "card": """
        carte bancaire|cartes bancaires|carte bleue|carte de credit|carte de paiement|numero de carte|
        n de carte|num carte|numero carte|n carte|cb|n cb|num cb|numero cb|card number|card no|cardnumber|
        credit card*|creditcard*|debit card*|payment card*|bank card*|pan|cvv|cvv2|cvc|cvc2|cryptogramme*
    """,
    "iban": """
        iban|iban *|rib|n rib|releve d identite bancaire|compte bancaire|coordonnees bancaires|bank account*|
        bank details|bankverbindung|kontonummer|sort code
    """,
    "tax": """
        numero fiscal|n fiscal|num fiscal|no fiscal|identifiant fiscal|reference fiscale|numero spi|n spi|spi|
        avis d imposition|tax id|tax number|tax no|tax identification*|taxpayer*|tin|steuer id|steuernummer|
        codice fiscale|code fiscal|fiscal code
    """,
    "identity": """
        passeport*|passport*|permis de conduire|n permis|num permis|numero permis|numero de permis|
        driving licen*|driver licen*|drivers licen*|driver s licen*|carte d identite|carte identite|
        carte nationale d identite|cni|n cni|identity card*|id card*|titre de sejour|carte de sejour|
        residence permit*|piece d identite
    """,
    "health": """
        sante|etat de sante|donnees de sante|dossier medical|dossiers medicaux|medical record*|
        health|health condition*|health status|health data|health insurance number|healthcare number|
        diagnosti*|diagnos*|patholog*|maladie*|disease*|illness*|sickness|allerg*|intoleranc*|handicap|
        handicaps|handicape*|situation de handicap|type de handicap|disabilit*|invalidite|medicament*|
        medication*|traitement medical|traitements medicaux|traitement en cours|medical treatment*|
        ordonnance*|prescription medicale|medical prescription*|groupe sanguin|blood type|blood group|
        vih|hiv|sida|seropositi*|cancer|diabet*|asthm*|epileps*|grossesse|enceinte|pregnan*|antecedent*|
        antecedents medicaux|medical history|medical condition*|medical|hospitalisation*|hospitalization*|
        vaccin*|affection longue duree|ald|imc|bmi|symptom*|psychiatr*|depress*|addiction*|toxicoman*|
        chirurgie*|surgery|surgeries|medecin traitant|arret maladie|sick leave|patient id|n patient|
        numero patient|regime medical|fauteuil roulant|wheelchair*|therap*|mutuelle sante
    """,
}

# a heading with one of these is about something else
NOT_NAMES = {
    "card": "fidelite|loyalty|cadeau|gift|membre|member|adherent|adhesion|abonnement|transport|bibliotheque",
    "tax": "domicile fiscal|annee fiscale",
    "health": "golf|sante publique|professionnel de sante|professionnels de sante|health club|"
    "medical device*|surdiplome",
}

# in a value: what says how somebody is, not what somebody works on
HEALTH_WORDS = """
    allergie allergies allergique allergiques allergic allergy asthme asthmatique asthmatiques asthma
    diabete diabetes diabetique diabetiques diabetic seropositif seropositive seropositifs vih hiv sida
    leucemie leukemia leukaemia tumeur chimiotherapie chemotherapy epilepsie epileptique epileptiques
    epilepsy epileptic schizophrenie schizophrene schizophrenia bipolaire depressif depressive depression
    handicape handicapee handicapes handicapees autisme autiste autism autistic parkinson alzheimer
    hepatite hepatitis mucoviscidose hypertension insulinodependant insulinodependante tetraplegique
    paraplegique toxicomane alcoolique alcoholic grossesse pregnant pregnancy coeliaque celiac coeliac
    anorexie anorexia boulimie bulimia endometriose endometriosis fibromyalgie fibromyalgia
"""
# a phrase begins with the word that is looked for first
HEALTH_PHRASES = """
    cancer du|cancer de|cancer des|cancer of|cancer en|sclerose en plaques|enceinte de|personne a mobilite|
    crohn|maladie de|maladie chronique|insuffisance cardiaque|insuffisance renale|traitement medical|
    wheelchair user|multiple sclerosis|heart failure|handicap moteur|handicap mental|handicap visuel|
    lung cancer|breast cancer|prostate cancer|skin cancer|arret maladie|affection longue duree
"""
# a part of each of them that no accent touches, as people write it: `hépatite` → `patit`
HEALTH_HINTS = """
    allerg asthm diab ropositi vih hiv sida leuk leuc tumeur tumor chimioth chemoth pileps pilept hizophr
    bipolaire pressi handicap autis parkinson alzheimer patit mucoviscid hypertension insulinod trapl
    parapl toxicoman alcool alcohol grossesse pregnan liaque celiac anorexi boulimi bulimi endom
    fibromyalgi cancer rose enceinte mobilit crohn maladie insuffisance traitement wheelchair sclerosis
    heart affection
"""
